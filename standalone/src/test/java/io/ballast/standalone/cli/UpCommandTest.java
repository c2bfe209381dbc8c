package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;

import io.ballast.kit.file.OwnerOnly;
import io.ballast.standalone.cli.FolderHolders.Holder;
import io.ballast.standalone.process.ServerPlan;
import io.ballast.standalone.process.ServerPlan.Server;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** up plans one process or four, and says why one did not start; down stops what holds the data. */
class UpCommandTest {
  @TempDir private Path folder = Path.of(".");

  @Test
  void oneProcessHasAllRolesAndTheFirstPorts() {
    List<Server> servers =
        new ServerPlan(folder, folder.resolve("my data"), 9300, 9380, false, Map.of("a.b", "c"))
            .servers();

    assertThat(servers).hasSize(1);
    assertThat(servers.getFirst().command())
        .contains(
            "-Dballast.port=9300",
            "-Dballast.http-port=9380",
            "-Dballast.data=" + folder.resolve("my data"),
            "-Djava.io.tmpdir=" + folder.resolve("my data/tmp/mesh"),
            "-Dballast.models=" + folder.resolve("models"),
            "-Da.b=c",
            "@" + folder.resolve("standalone/jvm.options"))
        .contains("-XX:SharedArchiveFile=" + folder.resolve("standalone/target/mesh-classes.jsa"))
        .endsWith("io.ballast.standalone.MeshMain")
        .noneMatch(argument -> argument.contains("ballast.roles"));
  }

  @Test
  void fourProcessesKnowEachOthersPorts() {
    List<Server> servers = new ServerPlan(folder, folder, 9100, 9180, true, Map.of()).servers();

    assertThat(servers)
        .extracting(Server::name)
        .containsExactly("policy-server", "reward-server", "safety-server", "orchestrator");
    assertThat(servers).extracting(Server::port).containsExactly(9100, 9101, 9102, 9103);
    assertThat(servers).extracting(Server::httpPort).containsExactly(9180, 9181, 9182, 9183);
    assertThat(servers.getFirst().command())
        .contains(
            "-Dballast.roles=policy",
            "-Dballast.peers.reward=127.0.0.1:9101",
            "-Dballast.peers.safety=127.0.0.1:9102",
            "-Dballast.peers.orchestrator=127.0.0.1:9103")
        .noneMatch(argument -> argument.startsWith("-Dballast.peers.policy"));
    assertThat(servers).extracting(Server::log).doesNotHaveDuplicates();
    assertThat(servers).extracting(Server::temporary).doesNotHaveDuplicates();
    // one that two wrote would be of use to neither
    assertThat(servers)
        .extracting(
            server ->
                server.command().stream()
                    .filter(argument -> argument.startsWith("-XX:SharedArchiveFile="))
                    .toList())
        .doesNotHaveDuplicates();
  }

  @Test
  void ofFourThoseThatRunWhereTheyArePlannedAreLeftAsTheyAre() throws IOException {
    List<Server> servers = new ServerPlan(folder, folder, 9100, 9180, true, Map.of()).servers();
    Files.createDirectories(folder.resolve("locks"));

    try (FileChannel policy = held("policy-server", 41, 9100, 9180);
        FileChannel safety = held("safety-server", 43, 9102, 9182)) {
      held("orchestrator", 44, 9103, 9183).close(); // killed: its lock is free

      assertThat(UpCommand.running(servers, FolderHolders.byRole(folder)))
          .containsExactly(entry("policy-server", 41L), entry("safety-server", 43L));
    }
    assertThat(UpCommand.running(servers, FolderHolders.byRole(folder))).isEmpty();
  }

  @Test
  void serversElsewhereOrInOneProcessAreNotThoseOfThePlan() {
    List<Server> servers = new ServerPlan(folder, folder, 9100, 9180, true, Map.of()).servers();

    assertThat(UpCommand.running(servers, Map.of("policy-server", new Holder(41, 9300, 9180))))
        .isEmpty();
    assertThat(UpCommand.running(servers, Map.of("policy-server", new Holder(41, 9100, 9380))))
        .isEmpty();
    // one process that plays two roles has the first role's ports
    assertThat(
            UpCommand.running(
                servers,
                Map.of(
                    "policy-server", new Holder(41, 9100, 9180),
                    "reward-server", new Holder(41, 9100, 9180))))
        .isEmpty();
    List<Server> whole = new ServerPlan(folder, folder, 9100, 9180, false, Map.of()).servers();
    assertThat(UpCommand.running(whole, Map.of("policy-server", new Holder(41, 9100, 9180))))
        .isEmpty();
  }

  /** A role's lock, as a server of that process writes it. */
  private FileChannel held(String role, long pid, int port, int httpPort) throws IOException {
    Path file = folder.resolve("locks").resolve(role + ".lock");
    Files.writeString(file, "pid=%d\nport=%d\nhttp-port=%d\n".formatted(pid, port, httpPort));
    FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
    assertThat(channel.tryLock()).isNotNull();
    return channel;
  }

  @Test
  void besideAnUpThatStaysNoneIsStarted() throws IOException {
    Path data = folder.resolve(".ballast");
    try (Supervision kept = Supervision.claim(data, 41)) {
      for (String how : List.of("--detach", "--json")) { // and one that would stay itself
        Cli.Result result = Cli.run(folder, Map.of(), "up", "--port", "0", "--http-port", "0", how);

        assertThat(result.exit()).isEqualTo(1);
        assertThat(result.err())
            .isEqualToIgnoringNewLines(
                "mesh: process 41, ./mesh up, keeps the mesh of %s running; ./mesh down stops both,"
                        .formatted(data)
                    + " or choose another folder with --data");
      }
    }
    assertThat(data.resolve("logs")).doesNotExist();
  }

  @Test
  void aProcessThatEndsSaysWhyInItsOwnWords() throws Exception {
    RunningServer server = start("echo starting; echo 'mesh: data folder x is used'; exit 1");
    server.process().waitFor();

    assertThat(server.isReady()).isFalse();
    assertThat(server.failure().line()).isEqualTo("reward-server: data folder x is used");
    assertThat(server.failure().exit()).isEqualTo(Exit.FAILED);

    RunningServer whole = start("mesh", "echo 'mesh: data folder x is used'; exit 1");
    whole.process().waitFor();
    assertThat(whole.failure().line()).isEqualTo("data folder x is used");
  }

  @Test
  void aProcessThatSaysNothingIsShownByTheEndOfItsLog() throws Exception {
    RunningServer server = start("echo first; echo last words; exit 7");
    server.process().waitFor();

    assertThat(server.failure().line())
        .startsWith("reward-server ended with exit code 7; its log, ")
        .endsWith("first\nlast words");
  }

  @Test
  void nobodyButItsOwnerReadsTheDataFolderOfAMesh() throws Exception {
    Path log = folder.resolve("data/logs/r.out");
    Path temporary = folder.resolve("data/tmp/mesh");
    Server server = new Server("mesh", List.of("sh", "-c", "echo said"), log, temporary, 1, 2);
    for (int start = 0; start < 2; start++) { // the second puts the first one's log aside
      assertThat(RunningServer.start(server, false).process().waitFor()).isZero();
      assertThat(log).hasContent("said");
      for (Path path :
          List.of(log, folder.resolve("data/logs"), temporary, folder.resolve("data"))) {
        assertThat(OwnerOnly.isOpenToOthers(path)).as(path.toString()).isFalse();
      }
    }
  }

  @Test
  void whatTheProcessesBeforeSaidLastIsKeptBesideTheLog() throws Exception {
    Path log = folder.resolve("logs/r.out");
    for (int word = 1; word <= 8; word++) {
      start("echo " + word).process().waitFor();
    }

    assertThat(log).hasContent("8");
    for (int age = 1; age <= 6; age++) {
      assertThat(log.resolveSibling("r.out." + age)).hasContent(Integer.toString(8 - age));
    }
    assertThat(log.resolveSibling("r.out.7")).doesNotExist();
  }

  @Test
  void aProcessIsReadyOnceItSaysSo() throws Exception {
    RunningServer server = start("echo 'mesh ready: grpc 127.0.0.1:9101'; exit 0");
    server.process().waitFor();

    assertThat(server.isReady()).isTrue();
  }

  @Test
  void aProcessIsHeardOfEachStepOfItsStartOnce() throws Exception {
    Path go = folder.resolve("go");
    RunningServer server =
        start(
            "echo 'mesh starting: policy-server'; until [ -e %s ]; do :; done; echo noise;"
                    .formatted(go)
                + " echo 'mesh starting: reward-server'");
    List<String> first = server.newSteps();
    while (first.isEmpty()) {
      first = server.newSteps();
    }
    assertThat(first).containsExactly("policy-server");
    assertThat(server.newSteps()).isEmpty();

    Files.createFile(go);
    server.process().waitFor();
    assertThat(server.newSteps()).containsExactly("reward-server");
  }

  @Test
  void aProcessThatStopsSaysWhatIsStillUnderWay() throws Exception {
    assertThat(stopping("echo 'mesh ready: grpc'")).isEmpty();
    assertThat(stopping("echo 'mesh stopping: calls under way: 3, drain PT10S'"))
        .contains("3 calls under way, at most 10.0 s");
    assertThat(stopping("echo 'mesh stopping: calls under way: 1, drain PT0.5S'"))
        .contains("1 call under way, at most 500 ms");
    assertThat(stopping("echo 'mesh stopping: calls under way: 0, drain PT10S'"))
        .contains("no calls under way");
  }

  private Optional<String> stopping(String script) throws Exception {
    RunningServer server = start(script);
    server.process().waitFor();
    return server.stopping().map(RunningServer.Stopping::text);
  }

  private RunningServer start(String script) throws IOException {
    return start("reward-server", script);
  }

  private RunningServer start(String name, String script) throws IOException {
    return RunningServer.start(
        new Server(
            name,
            List.of("sh", "-c", script),
            folder.resolve("logs/r.out"),
            folder.resolve("tmp/r"),
            1,
            2),
        false);
  }

  @Test
  void aPortInUseIsNamedWithTheOptionThatChangesIt() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      Cli.Result result =
          Cli.run(folder, Map.of(), "up", "--port", Integer.toString(socket.getLocalPort()));

      assertThat(result.exit()).isEqualTo(1);
      assertThat(result.err())
          .startsWith("mesh: port " + socket.getLocalPort() + " is in use")
          .contains("--port");
    }
  }

  @Test
  void aPortOutsideItsRangeIsWrongUsage() {
    Cli.Result result = Cli.run(folder, Map.of(), "up", "--port", "0", "--http-port", "70000");

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err())
        .isEqualToIgnoringNewLines("mesh: --http-port: 70000 (allowed: 0 to 65535)");
  }

  @Test
  void theEnvironmentNamesTheDataFolderAndAnOptionWins() {
    Path named = folder.resolve("named");
    Map<String, String> environment = Map.of("BALLAST_DATA", named.toString());

    assertThat(Cli.run(folder, environment, "down").err()).contains("no mesh uses " + named + ";");
    assertThat(Cli.run(folder, environment, "down", "--data", "/elsewhere").err())
        .contains("no mesh uses /elsewhere;");
  }

  @Test
  void withNothingToStopDownSaysSo() throws IOException {
    Files.createDirectories(folder.resolve(".ballast/locks"));
    // a lock file whose process died holds nothing, whoever has its number now
    Files.writeString(
        folder.resolve(".ballast/locks/policy-server.lock"),
        "pid=" + ProcessHandle.current().pid() + "\nport=9100\n");

    Cli.Result result = Cli.run(folder, Map.of(), "down");

    assertThat(result.exit()).isEqualTo(3);
    assertThat(result.err()).contains("no mesh uses").contains("nothing to stop");
  }
}
