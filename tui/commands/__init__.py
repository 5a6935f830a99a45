"""What a user can do: commands, their keys, when each is refused, and how screens offer them."""
