package io.ballast.architecture;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;

/** The classes of all modules, without their tests, read once. */
final class Ballast {
  /** The four servers, by the package that each lives in. */
  static final List<String> SERVERS = List.of("policy", "reward", "safety", "orchestrator");

  /** The rooms of a server. */
  static final List<String> ROOMS = List.of("core", "grpc", "http", "adapter", "config", "wiring");

  /** Everything. */
  static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.ballast")
          .that(
              DescribedPredicate.describe(
                  "are no tests", c -> !c.getPackageName().equals("io.ballast.architecture")));

  private Ballast() {}

  /** The packages of a server's rooms, such as io.ballast.policy.core.. */
  static String[] rooms(String server) {
    return ROOMS.stream().map(room -> room(server, room)).toArray(String[]::new);
  }

  /** A room's packages. */
  static String room(String server, String room) {
    return "io.ballast." + server + "." + room + "..";
  }

  /** Generated from the .proto files: messages and stubs. */
  static DescribedPredicate<JavaClass> generated() {
    return DescribedPredicate.describe(
        "generated from .proto files",
        c -> c.getPackageName().matches("io\\.ballast\\.[a-z]+\\.v[12](\\..*)?"));
  }
}
