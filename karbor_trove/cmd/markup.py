# SPDX-License-Identifier: Apache-2.0

"""Functions that build a page from elements of HTML and SVG.

The module xml.etree.ElementTree escapes all texts and attributes.
"""

from xml.etree import ElementTree

from karbor_trove.cmd import terminal

Element = ElementTree.Element


def add(parent: Element, tag: str, text: object = None,
        **attributes: object) -> Element:
    """Add a new element at the end of a parent, and return the new element.

    :param tag: the name of the element, such as "td".
    :param text: the text of the element. None for no text. Control characters
        become escape sequences, because some of them change the direction of
        the text that follows.
    :param attributes: the attributes of the element. An underscore at the end
        of a name is removed. So `class_` sets the attribute "class".
    """
    element = ElementTree.SubElement(parent, tag, {
        name.rstrip('_'): _to_text(value)
        for name, value in attributes.items()})
    if text is not None:
        element.text = _to_text(text)
    return element


def to_html(element: Element) -> str:
    """Return an element with its children as HTML."""
    return ElementTree.tostring(element, 'unicode', 'html')


def _to_text(value: object) -> str:
    return str(terminal.escape(str(value)))
