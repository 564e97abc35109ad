"""Deletion for good, and what a person may ask for who is held data of.

models        an erasure and its items: ids, counts and times, nothing of what was deleted
planning      an operator's decisions: plan, confirm, undo, and what becomes of what somebody restored meanwhile
listing       what an erasure covers, and how much that is
callers       the numbers of callers, however they are spelled
removal       soft deletion until an erasure is due, and its undoing
execution     the erasure itself, and the compaction after it
traces        what else names what was erased: attempts, mails, jobs, tokens, and what other rooms register
jobs          the job that does all of it, step by step
export        everything that is held of a caller, a user or an account, as a ZIP
"""
