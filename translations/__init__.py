"""The texts of the desk in other languages than English, which the code holds.

A catalogue (``locale/<language>/LC_MESSAGES``) has a translation for each text that the code marks: `django` those
of Python and templates, `djangojs` those of scripts. ``python -m translations`` (`make messages`) brings the
catalogues in line with the code and compiles them. docs/translations.md says how to translate.

    sources      which texts the code marks
    catalogues   the files of the translations
"""
