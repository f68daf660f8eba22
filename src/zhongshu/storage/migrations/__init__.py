"""Numbered changes of the state database, oldest first. Run by `zhongshu.storage.database.migrate`."""
