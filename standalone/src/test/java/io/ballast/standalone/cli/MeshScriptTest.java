package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The script itself, run by bash in a checkout of its own whose path has spaces, with JDKs and a
 * Maven that only say what they were asked to do.
 */
class MeshScriptTest {
  private static final String MODULES =
      "proto service-kit rl inference policy-server reward-server safety-server orchestrator"
          + " console loadtest workshop standalone";

  @TempDir private Path temp = Path.of(".");
  private Path home = Path.of(".");
  private final Map<String, String> environment = new TreeMap<>();

  /** What a run of the script printed and how it ended. */
  private record Ran(int exit, String out, String err) {}

  @BeforeEach
  void makeCheckout() throws IOException {
    home = temp.resolve("a checkout");
    Files.createDirectories(home.resolve(".mvn"));
    Files.writeString(home.resolve("pom.xml"), "<project/>");
    for (String module : MODULES.split(" ")) {
      Files.createDirectories(home.resolve(module).resolve("src/main/java"));
      Files.writeString(home.resolve(module).resolve("pom.xml"), "<project/>");
      Files.writeString(home.resolve(module).resolve("src/main/java/A.java"), "class A {}");
    }
    Files.writeString(home.resolve("standalone/jvm.options"), "-Xmx1g\n");
    Files.writeString(home.resolve("standalone/environment"), "# threads\nOMP_NUM_THREADS=1\n");
    Files.copy(
        Path.of("..", "mesh").toAbsolutePath(),
        home.resolve("mesh"),
        StandardCopyOption.COPY_ATTRIBUTES);
    Files.createDirectories(temp.resolve("jdks"));
    environment.put("PATH", "/usr/bin:/bin");
    environment.put("HOME", temp.toString());
    environment.put("BALLAST_JDKS", temp.resolve("jdks").toString());
    environment.put("MAVEN", script(temp.resolve("fake maven/mvn"), maven()).toString());
  }

  /** A Maven that builds what the script looks for, and says how it was called. */
  private String maven() {
    return """
    echo "maven $* with $JAVA_HOME in $PWD" >> "%s"
    if [ -n "$FAIL" ]; then
      echo '[ERROR] A.java:[1,1] no such thing'
      echo '[ERROR] [Help 1] http://nowhere'
      exit 1
    fi
    echo '[INFO] Building Ballast :: rl 0.1.0-SNAPSHOT  [3/13]'
    echo '[INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 0'
    mkdir -p standalone/target/quarkus-app
    touch standalone/target/quarkus-app/quarkus-run.jar
    """
        .formatted(temp.resolve("maven.log"));
  }

  private Path jdk(String name, String version) throws IOException {
    Path jdk = temp.resolve("jdks").resolve(name);
    script(
        jdk.resolve("bin/java"),
        "echo \"java " + version + " OMP=$OMP_NUM_THREADS\"; printf '<%s>\\n' \"$@\"");
    script(jdk.resolve("bin/javac"), "");
    Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    return jdk;
  }

  private static Path script(Path file, String body) throws IOException {
    Files.createDirectories(file.resolveSibling("."));
    Files.writeString(file, "#!/bin/sh\n" + body);
    assertThat(file.toFile().setExecutable(true)).isTrue();
    return file;
  }

  private Ran mesh(String... args) throws IOException, InterruptedException {
    return mesh(temp, args);
  }

  private Ran mesh(Path workingFolder, String... args) throws IOException, InterruptedException {
    List<String> command = new java.util.ArrayList<>(List.of(home.resolve("mesh").toString()));
    command.addAll(List.of(args));
    return run(command, workingFolder);
  }

  private Ran run(List<String> command, Path workingFolder)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(workingFolder.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    Path out = temp.resolve("out");
    Path err = temp.resolve("err");
    int exit = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start().waitFor();
    return new Ran(exit, Files.readString(out), Files.readString(err));
  }

  private List<String> builds() throws IOException {
    Path log = temp.resolve("maven.log");
    return Files.exists(log) ? Files.readAllLines(log) : List.of();
  }

  /** Makes a file look changed after everything else: the clock of a file system is coarse. */
  private static void changeLater(Path file) throws IOException {
    Files.setLastModifiedTime(
        file, FileTime.from(Files.getLastModifiedTime(file).toInstant().plusSeconds(60)));
  }

  @Test
  void helpNeedsNeitherJdkNorBuild() throws Exception {
    Ran ran = mesh("--help");

    assertThat(ran.exit()).isZero();
    assertThat(ran.out()).contains("Usage: ./mesh COMMAND").contains("doctor");
    assertThat(mesh().exit()).isEqualTo(2);
    assertThat(builds()).isEmpty();
  }

  @Test
  void withoutAJdkItSaysWhatToInstall() throws Exception {
    environment.put("PATH", pathWithout());

    Ran ran = mesh("suggest", "x");

    assertThat(ran.exit()).isEqualTo(1);
    assertThat(ran.err())
        .startsWith("mesh: needs a JDK of version 25 or newer; found none")
        .contains("apt install", "brew install", "sdk install java", "export JAVA_HOME=");
    assertThat(builds()).isEmpty();
  }

  @Test
  void anOldJdkIsNamed() throws Exception {
    environment.put("PATH", pathWithout());
    Path old = jdk("jdk-17", "17.0.15");

    Ran ran = mesh("test");

    assertThat(ran.exit()).isEqualTo(1);
    assertThat(ran.err())
        .startsWith("mesh: needs a JDK of version 25 or newer; found 17.0.15 in " + old);
  }

  @Test
  void aRuntimeWithoutACompilerIsNoJdk() throws Exception {
    environment.put("PATH", pathWithout());
    Files.delete(jdk("jre-25", "25.0.1").resolve("bin/javac"));

    assertThat(mesh("test").err()).contains("found none");
  }

  @Test
  void anOldJavaHomeIsPassedOver() throws Exception {
    environment.put("JAVA_HOME", jdk("jdk-17", "17.0.15").toString());
    jdk("jdk 25", "25.0.1");

    assertThat(mesh("suggest").out()).startsWith("java 25.0.1");
  }

  @Test
  void javaHomeComesFirst() throws Exception {
    jdk("jdk-25", "25.0.1");
    environment.put("JAVA_HOME", jdk("jdk-27", "27-ea").toString());

    assertThat(mesh("suggest").out()).startsWith("java 27-ea");
  }

  @Test
  void itSaysNothingOfPlacesThatItNeedNotLookAt() throws Exception {
    environment.put("JAVA_HOME", jdk("jdk-25", "25.0.1").toString());
    // behind so many links that JAVA_HOME is taken before the last place is found
    Path java = temp.resolve("jdks/jdk-25/bin/java");
    for (int i = 0; i < 30; i++) {
      java = Files.createSymbolicLink(temp.resolve("link" + i), java);
    }
    Path bin = Files.createDirectories(temp.resolve("linked"));
    Files.createSymbolicLink(bin.resolve("java"), java);
    environment.put("PATH", bin + ":/usr/bin:/bin");

    // as a program that ignores SIGPIPE starts it
    Ran ran =
        run(
            List.of(
                "sh", "-c", "trap '' PIPE; exec \"$0\" doctor", home.resolve("mesh").toString()),
            temp);

    assertThat(ran.exit()).isZero();
    assertThat(ran.err()).doesNotContain("write error");
  }

  @Test
  void withoutMavenItSaysWhatToInstall() throws Exception {
    jdk("jdk-25", "25.0.1");
    environment.put("PATH", pathWithout());
    environment.put("MAVEN", temp.resolve("nowhere").toString());

    Ran ran = mesh("suggest", "x");

    assertThat(ran.exit()).isEqualTo(1);
    assertThat(ran.err()).contains("MAVEN=").contains("set it to an mvn");
  }

  @Test
  void itBuildsOnceAndHandsOverWithTheArgumentsAsTheyAre() throws Exception {
    Path jdk = jdk("jdk-25", "25.0.1");

    Ran first = mesh("suggest", "two words", "--json");
    Ran second = mesh("suggest", "two words", "--json");

    assertThat(first.exit()).isZero();
    assertThat(first.err())
        .contains("mesh: building (not built yet)")
        .contains("Ballast :: rl")
        .contains("mesh: built in");
    assertThat(builds()).hasSize(1);
    assertThat(builds().getFirst())
        .contains("-pl standalone -am package", "-Dballast.commit=unknown ")
        .endsWith("with " + jdk + " in " + home.toRealPath());
    assertThat(second.err()).isEmpty();
    assertThat(second.out())
        .startsWith("java 25.0.1 OMP=1")
        .contains("<@" + home.toRealPath() + "/standalone/jvm.options>")
        .contains("<-Dballast.home=" + home.toRealPath() + ">")
        .endsWith("<io.ballast.standalone.cli.MeshCommand>\n<suggest>\n<two words>\n<--json>\n");
  }

  @Test
  void aBuildIsToldItsCommitAndWhetherFilesDifferFromIt() throws Exception {
    jdk("jdk-25", "25.0.1");
    Files.writeString(home.resolve(".gitignore"), "target/\n");
    assertThat(run(List.of("git", "init", "-q"), home).exit()).isZero();
    assertThat(run(List.of("git", "add", "-A"), home).exit()).isZero();
    String[] who = {"-c", "user.name=a", "-c", "user.email=a@b"};
    assertThat(
            run(List.of("git", who[0], who[1], who[2], who[3], "commit", "-qm", "all"), home)
                .exit())
        .isZero();
    String commit = run(List.of("git", "rev-parse", "--short=12", "HEAD"), home).out().strip();
    assertThat(commit).hasSize(12);

    mesh("build");
    assertThat(builds().getFirst()).contains("-Dballast.commit=" + commit + " ");

    Path source = home.resolve("rl/src/main/java/A.java");
    Files.writeString(source, "class A { int a; }");
    changeLater(source);
    mesh("build");
    assertThat(builds().getLast()).contains("-Dballast.commit=" + commit + "+changed ");
  }

  @Test
  void aChangedSourceIsBuiltAgainAndATestIsNot() throws Exception {
    jdk("jdk-25", "25.0.1");
    mesh("build");
    Path test = home.resolve("rl/src/test/java/ATest.java");
    Files.createDirectories(test.resolveSibling("."));
    Files.writeString(test, "class ATest {}");
    changeLater(test);
    mesh("build");
    assertThat(builds()).hasSize(1);

    changeLater(home.resolve("rl/src/main/java/A.java"));
    Ran ran = mesh("suggest");

    assertThat(builds()).hasSize(2);
    assertThat(ran.err()).contains("building (rl/src/main/java/A.java has changed)");
  }

  @Test
  void archivesOfTheClassesOfAnEarlierBuildAreDroppedWhoeverBuilt() throws Exception {
    jdk("jdk-25", "25.0.1");
    mesh("build");
    Path archive = Files.createFile(home.resolve("standalone/target/mesh-classes.jsa"));
    changeLater(archive);
    mesh("suggest");
    assertThat(archive).as("of this build").exists();

    Path jar = home.resolve("standalone/target/quarkus-app/quarkus-run.jar");
    Files.setLastModifiedTime(jar, Files.getLastModifiedTime(archive));
    changeLater(jar); // as ./mesh test and Maven itself leave it
    mesh("suggest");
    assertThat(archive).doesNotExist();
    assertThat(builds()).hasSize(1);
  }

  @Test
  void aDeletedSourceIsBuiltAgain() throws Exception {
    jdk("jdk-25", "25.0.1");
    mesh("build");

    Files.delete(home.resolve("rl/src/main/java/A.java"));
    changeLater(home.resolve("rl/src/main/java"));
    mesh("build");

    assertThat(builds()).hasSize(2);
  }

  @Test
  void aFailedBuildShowsItsErrorsAndIsTriedAgain() throws Exception {
    jdk("jdk-25", "25.0.1");
    environment.put("FAIL", "yes");

    Ran ran = mesh("suggest");

    assertThat(ran.exit()).isEqualTo(1);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.err())
        .contains("[ERROR] A.java:[1,1] no such thing")
        .doesNotContain("Help 1")
        .contains("mesh: the build failed; the whole output is in")
        .contains("mesh-build.log");
    environment.remove("FAIL");
    assertThat(mesh("suggest").exit()).isZero();
  }

  @Test
  void askedNotToBuildItUsesWhatIsThereOrSaysThatNothingIs() throws Exception {
    jdk("jdk-25", "25.0.1");
    environment.put("BALLAST_BUILD", "no");

    Ran unbuilt = mesh("suggest");

    assertThat(unbuilt.exit()).isEqualTo(1);
    assertThat(unbuilt.err()).startsWith("mesh: not built yet").contains("./mesh build");
    assertThat(mesh("build").exit()).isZero();
    changeLater(home.resolve("rl/src/main/java/A.java"));
    assertThat(mesh("suggest").out()).startsWith("java 25.0.1");
    assertThat(builds()).hasSize(1);
  }

  @Test
  void testsShowTheirClosingLines() throws Exception {
    jdk("jdk-25", "25.0.1");

    Ran ran = mesh("test");

    assertThat(ran.exit()).isZero();
    assertThat(ran.out()).contains("[INFO] Tests run: 4, Failures: 0, Errors: 0, Skipped: 0");
    assertThat(builds().getFirst()).contains("verify");
    environment.put("FAIL", "yes");
    Ran failed = mesh("test");
    assertThat(failed.exit()).isEqualTo(1);
    assertThat(failed.out()).contains("no such thing");
  }

  @Test
  void allTestsAreThoseOfThePythonClientToo() throws Exception {
    jdk("jdk-25", "25.0.1");
    script(
        home.resolve("clients/python/test.sh"),
        "echo \"python $*\" >> \"%s\"; exit ${PYTHON_EXIT:-0}"
            .formatted(temp.resolve("maven.log")));

    assertThat(mesh("test", "--all", "--", "-o").exit()).isZero();

    // a missing Python is told before the long part
    assertThat(builds()).hasSize(3).first().isEqualTo("python --setup");
    assertThat(builds().get(1)).contains("-o verify");
    assertThat(builds().getLast()).isEqualTo("python ");
    environment.put("PYTHON_EXIT", "1");
    assertThat(mesh("test", "--all").exit()).isEqualTo(1);
    assertThat(builds()).as("nothing but the set-up").hasSize(4);
    assertThat(mesh("test", "--all", "rl").err()).contains("--all runs all modules: leave out rl");
  }

  @ParameterizedTest
  @CsvSource({
    "1, 0, 0, has a vulnerability that the database knows today",
    "1, 1, 4, libraries with known vulnerabilities are shown above",
    "1, 126, 4, libraries with known vulnerabilities are shown above",
    "1, 127, 3, NOT LOOKED: osv-scanner ended with 127",
    "0, 0, 3, NOT LOOKED: osv-scanner knows nothing of Log4j 2.14.1",
    "127, 0, 3, NOT LOOKED: osv-scanner ended with 127 (its words are above); osv.dev must",
    "129, 1, 3, NOT LOOKED: osv-scanner ended with 129",
  })
  void whereNothingCouldBeLearntNobodyIsToldThatAllIsWell(
      int ofKnown, int ofOurs, int exit, String said) throws Exception {
    jdk("jdk-25", "25.0.1");
    scanner(ofKnown, ofOurs);

    Ran ran = mesh("sbom", "--vulnerabilities");

    assertThat(ran.exit()).as(ran.err()).isEqualTo(exit);
    assertThat(ran.err()).contains(said);
    assertThat(builds().getFirst()).contains("makeAggregateBom");
  }

  @Test
  void theNetworkIsAskedUnlessADatabaseWasBroughtAlong() throws Exception {
    jdk("jdk-25", "25.0.1");
    scanner(1, 0);
    Path bom = home.toRealPath().resolve("target/bom.json");

    assertThat(mesh("sbom", "--vulnerabilities").exit()).isZero();
    assertThat(builds().getLast()).isEqualTo("osv scan source --lockfile " + bom + " in ");
    environment.put("OSV_DATABASE", "/a database");
    assertThat(mesh("sbom", "--vulnerabilities").exit()).isZero();
    assertThat(builds().getLast())
        .isEqualTo("osv scan source --offline --lockfile " + bom + " in /a database");
  }

  @ParameterizedTest
  @CsvSource({"6, false", "9, true"})
  void anOldDatabaseIsToldOf(int days, boolean told) throws Exception {
    jdk("jdk-25", "25.0.1");
    scanner(1, 0);
    Path database = temp.resolve("brought along/osv-scanner/Maven/all.zip");
    Files.createDirectories(database.getParent());
    Files.createFile(database);
    Instant now = Files.getLastModifiedTime(database).toInstant();
    Files.setLastModifiedTime(database, FileTime.from(now.minus(Duration.ofDays(days))));
    environment.put("OSV_DATABASE", temp.resolve("brought along").toString());

    Ran ran = mesh("sbom", "--vulnerabilities");

    assertThat(ran.exit()).isZero();
    assertThat(ran.err().contains("more than seven days old")).isEqualTo(told);
  }

  @Test
  void withoutAScannerNothingIsLookedFor() throws Exception {
    jdk("jdk-25", "25.0.1");
    scanner(1, 0);
    environment.put("OSV_SCANNER", temp.resolve("nowhere").toString());

    Ran ran = mesh("sbom", "--vulnerabilities");

    assertThat(ran.exit()).isEqualTo(3);
    assertThat(ran.err()).contains("NOT LOOKED: OSV_SCANNER=").contains("no such program");
    assertThat(mesh("sbom", "--vulnerabilities", "--json").exit()).isEqualTo(2);
  }

  /**
   * The script, with an osv-scanner that ends as it is told to.
   *
   * @param ofKnown when it is asked about a library with a known vulnerability
   * @param ofOurs when it is asked about ours
   */
  private void scanner(int ofKnown, int ofOurs) throws IOException {
    Files.copy(
        Path.of("..", ".mvn", "vulnerabilities.sh").toAbsolutePath(),
        home.resolve(".mvn/vulnerabilities.sh"),
        StandardCopyOption.COPY_ATTRIBUTES);
    Path scanner =
        script(
            temp.resolve("osv-scanner"),
            """
            echo "osv $* in $OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY" >> "%s"
            case "$*" in *osv-canary*) exit %d ;; esac
            exit %d
            """
                .formatted(temp.resolve("maven.log"), ofKnown, ofOurs));
    environment.put("OSV_SCANNER", scanner.toString());
  }

  @Test
  void aModuleThatIsNotThereIsNamed() throws Exception {
    Ran ran = mesh("test", "rll");

    assertThat(ran.exit()).isEqualTo(2);
    assertThat(ran.err()).contains("no module rll").contains("reward-server");
  }

  @Test
  void itWorksThroughALinkFromAnyFolder() throws Exception {
    jdk("jdk-25", "25.0.1");
    Path link = Files.createSymbolicLink(temp.resolve("m"), Path.of("a checkout/mesh"));
    Path real = home.toRealPath();
    home = temp.resolve("elsewhere");
    Files.createDirectories(home);
    Files.createSymbolicLink(home.resolve("mesh"), Path.of("../m"));

    Ran ran = mesh(home, "suggest");

    assertThat(link).exists();
    assertThat(ran.out()).contains("<-Dballast.home=" + real + ">");
  }

  /** A PATH with the usual tools but no java and no mvn. */
  private String pathWithout() throws IOException {
    Path bin = temp.resolve("bin");
    Files.createDirectories(bin);
    for (String tool :
        "bash sh cat cp cut date dirname env find grep head kill ln ls mkdir mv pwd readlink rm sed sleep tee touch tr printenv uname"
            .split(" ")) {
      Path real =
          List.of(Path.of("/usr/bin", tool), Path.of("/bin", tool)).stream()
              .filter(Files::isExecutable)
              .findFirst()
              .orElse(null);
      if (real != null && !Files.exists(bin.resolve(tool))) {
        Files.createSymbolicLink(bin.resolve(tool), real);
      }
    }
    return bin.toString();
  }
}
