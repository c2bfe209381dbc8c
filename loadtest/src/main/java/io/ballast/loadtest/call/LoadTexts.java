package io.ballast.loadtest.call;

import java.util.List;

/** Places in Java files where somebody might stop typing, and ways to go on. Our own lines. */
public final class LoadTexts {
  /** Beginnings. */
  public static final List<String> PROMPTS =
      List.of(
          "import java.util.List;\n\nfinal class Names {\n  int count(List<String> names) {\n    return names.",
          "  @Override\n  public String toString() {\n    return \"Point[x=\" + x + \", y=\" ",
          "    for (int i = 0; i < values.length; i++) {\n      sum += ",
          "    if (text == null || text.isEmpty()) {\n      throw new IllegalArgum",
          "  private final Map<String, Integer> counts = new Has",
          "  public static void main(String[] args) {\n    System.out.pri",
          "    try (BufferedReader reader = Files.newBufferedReader(path)) {\n      String line = ",
          "  @Override\n  public boolean equals(Object other) {\n    return other instanceof ");

  /** Ends of the lines above, one for each; with another's they are wrong, which is as real. */
  public static final List<String> COMPLETIONS =
      List.of(
          "size();",
          "+ y + \"]\";",
          "values[i];",
          "entException(\"text: empty\");",
          "hMap<>();",
          "ntln(args.length);",
          "reader.readLine();",
          "Point that && x == that.x;");

  private LoadTexts() {}
}
