"""``proxy-config``: istioctl's tables of what one proxy holds.

Every module here has a frozen row, ``rows`` that builds and sorts them with istioctl's filters,
``COLUMNS`` of (header, attribute) for the table, and ``to_json`` for ``-o json``.
"""
