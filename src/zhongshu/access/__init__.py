"""Tenants, keys, limits and budgets: who asks, and how much they may."""
