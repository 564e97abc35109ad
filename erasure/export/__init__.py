"""Everything that is held of a caller, a user or an account, as a ZIP for the person who asks for it.

subjects      whose data it is, and which documents, mails and recorded actions are theirs
archive       the ZIP, written while it is sent
overview      the pages in it that people read: index.html and messages.csv
"""
