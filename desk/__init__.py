"""The operators' desk: Django's admin over documents in CouchDB.

A page is a method of a `DocumentAdmin` (`kit.pages`), registered for a model without a table, which stands for a
kind of document: log-in, permissions, index, breadcrumbs and looks are Django's own. To add a page: write the method
``(request, **ids) -> HttpResponse``, name it in `urls_of_pages` with the permission it takes, call the same domain
functions as the API does, and `audit.record` what was changed, heard or revealed. No rule lives here.

    pages       the base of every kind of page; errors become pages and messages
    listings    tables with search, filters and pages, for one template
    forms       forms that speak of errors as the API does
    audit       who did what
    operators   the desk's own users
    groups      the three groups of operators that every installation has
"""
