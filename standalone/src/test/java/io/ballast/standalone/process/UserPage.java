package io.ballast.standalone.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A page of docs/users: its commands, in order. Each line of a {@code sh} block is one, with the
 * lines that follow a backslash; one that is to fail has a line {@code # exits with N} before it.
 *
 * @param text the whole page
 */
record UserPage(String name, String text, List<Command> commands) {
  private static final Pattern EXITS = Pattern.compile("# exits with ([0-9]+)\\b.*");

  UserPage {
    commands = List.copyOf(commands);
  }

  /**
   * What a reader types.
   *
   * @param line of the page, counted from 1
   * @param exit the code that the page says, 0 if it says nothing
   */
  record Command(int line, String text, int exit) {}

  /** Reads {@code docs/users/<name>.md}. */
  static UserPage read(String name) throws IOException {
    String text = Files.readString(path(name));
    return new UserPage(name, text, commands(text));
  }

  private static Path path(String name) {
    return BuiltMesh.home().resolve("docs/users").resolve(name + ".md");
  }

  /** The commands of a page. */
  static List<Command> commands(String text) {
    List<Command> commands = new ArrayList<>();
    boolean inside = false;
    int number = 0;
    int exit = 0;
    for (Iterator<String> lines = text.lines().iterator(); lines.hasNext(); ) {
      String line = lines.next();
      number++;
      Matcher says = EXITS.matcher(line);
      if (line.startsWith("```")) {
        inside = !inside && line.equals("```sh");
      } else if (inside && says.matches()) {
        exit = Integer.parseInt(says.group(1));
      } else if (inside && !line.isBlank() && !line.startsWith("#")) {
        int first = number;
        StringBuilder command = new StringBuilder(line);
        while (command.charAt(command.length() - 1) == '\\' && lines.hasNext()) {
          command.append('\n').append(lines.next());
          number++;
        }
        commands.add(new Command(first, command.toString(), exit));
        exit = 0;
      }
    }
    return commands;
  }

  /** Whether the page shows the file as it is. */
  boolean shows(String file) throws IOException {
    return text.contains(
        "\n" + Files.readString(BuiltMesh.home().resolve(file)).stripTrailing() + "\n```\n");
  }
}
