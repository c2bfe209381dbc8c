package io.ballast.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.lang.ArchRule;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who may touch whom. */
class ArrowsTest {
  /** What plain Java may not see: the wire, the framework, the container. */
  private static final DescribedPredicate<JavaClass> WIRE_OR_FRAMEWORK =
      resideInAnyPackage(
              "io.grpc..",
              "com.google.protobuf..",
              "io.quarkus..",
              "jakarta..",
              "org.eclipse.microprofile..",
              "io.smallrye..")
          .or(Ballast.generated())
          .as("the wire or the framework");

  static Stream<String> servers() {
    return Ballast.SERVERS.stream();
  }

  private static void holds(ArchRule rule) {
    // a server need not have every room; everyModuleIsLookedAt sees to it that none is missed
    rule.allowEmptyShould(true).check(Ballast.CLASSES);
  }

  @Test
  void everyModuleIsLookedAt() {
    List<String> packages = new ArrayList<>();
    for (String module :
        List.of(
            "io.ballast.kit",
            "io.ballast.rl",
            "io.ballast.inference",
            "io.ballast.training",
            "io.ballast.policy.core",
            "io.ballast.reward.core",
            "io.ballast.safety.core",
            "io.ballast.orchestrator.core",
            "io.ballast.console",
            "io.ballast.loadtest",
            "io.ballast.workshop",
            "io.ballast.standalone")) {
      if (Ballast.CLASSES.stream().noneMatch(c -> c.getPackageName().startsWith(module))) {
        packages.add(module);
      }
    }
    assertThat(packages).as("modules without a class on the class path").isEmpty();
  }

  @Test
  void mathematicsDependsOnNothingButJavaAndCommonsMath() {
    holds(
        classes()
            .that()
            .resideInAPackage("io.ballast.rl..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                "java..",
                "io.ballast.rl..",
                "org.jspecify..",
                "org.apache.commons.math3..",
                "org.apache.commons.statistics.."));
  }

  @ParameterizedTest
  @MethodSource("servers")
  void coreIsPlainJava(String server) {
    holds(
        noClasses()
            .that()
            .resideInAPackage(Ballast.room(server, "core"))
            .should()
            .dependOnClassesThat(WIRE_OR_FRAMEWORK));
  }

  @Test
  void componentsOfRewardsArePlainJava() {
    holds(
        noClasses()
            .that()
            .resideInAnyPackage("io.ballast.reward.component..", "io.ballast.reward.sandbox..")
            .should()
            .dependOnClassesThat(WIRE_OR_FRAMEWORK));
  }

  @Test
  void errorsAndResilienceArePlainJava() {
    holds(
        noClasses()
            .that()
            .resideInAnyPackage("io.ballast.kit.error..", "io.ballast.kit.resilience..")
            .should()
            .dependOnClassesThat(WIRE_OR_FRAMEWORK));
  }

  @ParameterizedTest
  @MethodSource("servers")
  void arrowsWithinAServerPointToCore(String server) {
    for (String room : List.of("core", "grpc", "adapter", "config")) {
      String[] others =
          Ballast.ROOMS.stream()
              .filter(other -> !other.equals(room) && !other.equals("core"))
              .map(other -> Ballast.room(server, other))
              .toArray(String[]::new);
      holds(
          noClasses()
              .that()
              .resideInAPackage(Ballast.room(server, room))
              .should()
              .dependOnClassesThat()
              .resideInAnyPackage(others));
    }
  }

  @ParameterizedTest
  @MethodSource("servers")
  void serversNeverDependOnEachOther(String server) {
    for (String other : Ballast.SERVERS) {
      if (!other.equals(server)) {
        holds(
            noClasses()
                .that()
                .resideInAnyPackage(Ballast.rooms(server))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(Ballast.rooms(other)));
      }
    }
  }

  @Test
  void messagesStopAtTheEdges() {
    holds(
        noClasses()
            .that()
            .resideOutsideOfPackages(
                "..grpc..",
                "..adapter..",
                "..wiring..",
                "..v1..",
                "io.ballast.kserve.v2..",
                "io.ballast.inference.triton..",
                "io.ballast.loadtest..",
                "io.ballast.standalone.cli..",
                "io.ballast.standalone.demo..",
                "io.ballast.standalone.experiment..",
                "io.ballast.standalone.console..")
            .should()
            .dependOnClassesThat(Ballast.generated()));
  }

  @Test
  void modelsAreRunWithoutKnowingWhatFor() {
    holds(
        noClasses()
            .that()
            .resideInAPackage("io.ballast.inference..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(
                "io.ballast.rl..",
                "io.ballast.policy..",
                "io.ballast.reward..",
                "io.ballast.safety..",
                "io.ballast.orchestrator..",
                "io.ballast.kit.grpc..",
                "io.ballast.kit.postgres..",
                "io.ballast.kit.runtime.."));
  }

  @Test
  void sharedGroundKnowsNoServer() {
    List<String> rooms = new ArrayList<>();
    Ballast.SERVERS.forEach(server -> rooms.addAll(List.of(Ballast.rooms(server))));
    holds(
        noClasses()
            .that()
            .resideInAnyPackage("io.ballast.kit..", "io.ballast.inference..", "io.ballast.rl..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(rooms.toArray(String[]::new)));
  }

  @Test
  void onlyWhoMeasuresOrTeachesMayKnowTheTruth() {
    holds(
        noClasses()
            .that()
            .resideOutsideOfPackages(
                "io.ballast.workshop..",
                "io.ballast.standalone.demo..",
                "io.ballast.standalone.experiment..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("io.ballast.workshop.programmer.."));
  }

  @Test
  void roomsFormNoCycle() {
    holds(slices().matching("io.ballast.(*).(*)..").should().beFreeOfCycles());
  }
}
