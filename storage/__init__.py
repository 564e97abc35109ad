"""What a Kazoo stores, whatever it is about: the rules that all documents and databases share.

modbs            an account's databases of one month each
maintenance      which databases exist, and the views in them       database_stats   their sizes
schemas          JSON schemas, shipped or stored                    system_config    Kazoo's settings
documents        create, change, soft-delete; document_cache        locks            one writer at a time
private_fields   ``pvt_*``                                          merge_patch      PATCH
empty_objects    `[]` that was `{}`                                 ownership        whose a document is
word_search, view_names, database_names, document_types, values, gregorian
"""
