"""The dialect as OpenAPI 3.1: what apps describe their operations with, and what makes one document of them.

operations   one operation: its parameters, body, answers, and the errors that follow from these
parameters   pages, filters, conditions, and what every request may say
bodies       envelopes and uploads, requests and answers
errors       every error's envelope, made of the exceptions themselves
dialect      draft-04 schemas in OpenAPI's own dialect
generator    the document, of the URL conf and a table of operations
"""
