"""Missing-AVQA: question answering about clips whose sound or picture is gone."""
