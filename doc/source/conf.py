"""Configuration of Sphinx."""

project = 'karbor-trove'
author = 'The karbor-trove developers'
copyright = author

extensions = [
    'openstackdocstheme',
    'oslo_config.sphinxext',
    'reno.sphinxext',
]

# Most blocks are commands and their outputs. The default is Python.
highlight_language = 'console'

html_theme = 'openstackdocs'
html_theme_options = {
    # The default reports each visit to OpenStack's analytics.
    'analytics_tracking_code': '',
    # The default loads a badge from OpenStack's site.
    'display_badge': False,
    'sidebar_search': True,
}
# The theme's header and footer lead to OpenStack's sites, its search loads
# from there, and its license is another one.
templates_path = ['_templates']
html_static_path = ['_static']
html_css_files = ['karbor-trove.css']
# The pages describe the checkout that they are built from, so no version.
openstackdocs_auto_version = False
