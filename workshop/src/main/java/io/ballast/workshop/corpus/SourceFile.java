package io.ballast.workshop.corpus;

/**
 * One cleaned Java source file.
 *
 * @param artefact name and version of the artefact it came from, such as {@code gson-2.11.0}
 * @param path its path inside the artefact
 * @param text its code without comments, imports, package line and blank lines; every line ends
 *     with {@code \n}
 */
public record SourceFile(String artefact, String path, String text) {}
