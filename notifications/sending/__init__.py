"""How a mail is sent once: its queue in Django's database, and the conversation with the mail server.

A mail server takes a mail at the moment at which it gets the line that ends it. Right before that line, the mail's
row becomes `ending`, in one conditional write. Of two workers that have the same mail, only the one with the lease
can do that.

A worker that is killed before that write has sent nothing, and the mail is sent again. One that is killed after it
has almost certainly sent the line, and the mail server has taken the mail: it becomes `unconfirmed`. It is not sent
again by itself, and its message stays in its folder, whatever the mailbox wants done after a mail. So nobody gets a
mail twice. The microseconds between that write and that line can cost a mail, but never a message; the log and the
desk tell of it.

If instead the mail server breaks the connection without an answer, it hasn't taken the mail (RFC 5321, 4.2.5), which
is sent again with the same Message-ID.
"""
