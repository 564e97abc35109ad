"""Webhooks: the addresses at which accounts want to be told what happens in them.

hooks      which hooks there are, and samples        store      the hooks of accounts
attempts   what was sent, and what came back         api        their endpoints
"""
