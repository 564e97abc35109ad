"""What ``--deep`` reads: every document of the accounts, page by page, and an account's ids in memory.

kinds           what can be wrong with documents     accounts_data   the check, account by account
own_documents   an account's own database            month_messages  its messages, month by month
"""
