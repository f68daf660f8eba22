"""Administration: keys, tenants, the ledger, upstreams, models, settings. A FastAPI application, one file a room.

Nothing here is loaded before somebody asks for it (see later.py): a worker that only answers models never pays for it.
"""
