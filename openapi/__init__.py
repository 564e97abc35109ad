"""The API's description: YAML files by subject, and `loader`, which joins them into one OpenAPI document."""
