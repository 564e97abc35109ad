"""The operators' desk: Django's admin over documents in CouchDB.

A page is a method of a `DocumentAdmin` (`kit.pages`). Each `DocumentAdmin` is registered for a model without a table,
which stands for a kind of document. Log-in, permissions, index and layout are those of Django's admin.

To add a page: write the method ``(request, **ids) -> HttpResponse``, add a `Route` with the permission that it needs,
call the same domain functions as the API, and record in the audit log what was changed, heard or revealed. Rules
belong to the domain, not to the desk. Operators may be limited to some accounts: a page with an account in its path,
or as ``account`` in its query, opens only to those who may see it; any other page asks `operators.scope`.

A new kind of pages gets its section in the bar at the side (`sections`). Looks are in ``static/desk/theme/``, and the
frame of every page is ``templates/admin/base.html``.

    accounts, users, mailboxes, messages, migration_runs
                 the pages about each of these
    health       the state of CouchDB and of accounts' databases, and their repair
    overview     what the first page shows of all accounts, and the lists that it leads to
    audit        the audit log
    operators    the desk's own users and their groups
    kit          what pages share: the base class, tables, forms, detection of edit conflicts, formats
"""
