"""The browsers a source may have, driven as a person drives them; scripts off, as at "Safest"."""
