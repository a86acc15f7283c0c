"""Android phones by the real adb: how they are reached, read, kept quiet and measured on."""
