"""What needs somebody, over all accounts: figures that a job collects, so that looking at them costs CouchDB nothing.

    models       the figures: per account, per account and day, and what somebody should look at
    collecting   a collection: one at a time on all machines, a page of accounts after the other
    examination  what is read of a page of accounts
    odd_days     which days had ten times the usual number of messages
    figures      what was collected, of all accounts or of those that somebody may see
    jobs         the job that collects

A collection that is killed is gone on with by the next one.
"""
