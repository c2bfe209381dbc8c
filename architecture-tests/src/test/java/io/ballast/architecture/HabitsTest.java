package io.ballast.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaPackage;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.Date;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;

/** Habits that a machine can hold. */
class HabitsTest {
  @Test
  void timeComesInAsAnArgument() {
    noClasses()
        .should()
        .callMethod(Instant.class, "now")
        .orShould()
        .callMethod(LocalDate.class, "now")
        .orShould()
        .callMethod(LocalDateTime.class, "now")
        .orShould()
        .callConstructor(Date.class)
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .check(Ballast.CLASSES);
  }

  @Test
  void chanceComesInAsAnArgument() {
    noClasses().should().callMethod(Math.class, "random").check(Ballast.CLASSES);
  }

  @Test
  void classesAreNamedForWhatTheyAre() {
    noClasses()
        .should()
        .haveSimpleNameEndingWith("Util")
        .orShould()
        .haveSimpleNameEndingWith("Utils")
        .orShould()
        .haveSimpleNameEndingWith("Helper")
        .check(Ballast.CLASSES);
  }

  @Test
  void packagesAreNamedForWhatTheyKnow() {
    noClasses()
        .should()
        .resideInAnyPackage("..util..", "..utils..", "..common..", "..helper..", "..impl..")
        .check(Ballast.CLASSES);
  }

  @Test
  void absenceIsSaidInTheTypeOfEveryPackage() {
    List<String> unmarked =
        Ballast.CLASSES.stream()
            .filter(c -> !Ballast.generated().test(c))
            .map(JavaClass::getPackage)
            .distinct()
            .filter(p -> !p.isAnnotatedWith(NullMarked.class))
            .map(JavaPackage::getName)
            .sorted()
            .toList();

    assertThat(unmarked).as("packages without @NullMarked in their package-info").isEmpty();
  }

  @Test
  void nothingPrintsBesidesTheCommandLine() {
    List<String> printing =
        Ballast.CLASSES.stream()
            .filter(
                c ->
                    Stream.of(
                            "policy", "reward", "safety", "orchestrator", "kit", "rl", "inference")
                        .anyMatch(module -> c.getPackageName().startsWith("io.ballast." + module)))
            .filter(
                c ->
                    c.getFieldAccessesFromSelf().stream()
                        .anyMatch(
                            access ->
                                access.getTargetOwner().isEquivalentTo(System.class)
                                    && !access.getTarget().getName().equals("in")))
            .map(JavaClass::getName)
            .toList();

    assertThat(printing).as("classes that print instead of logging").isEmpty();
  }
}
