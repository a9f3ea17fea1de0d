"""What the words themselves show: GoEmotions' 27 emotions and neutral."""
