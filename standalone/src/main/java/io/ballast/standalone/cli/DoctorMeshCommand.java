package io.ballast.standalone.cli;

import io.ballast.kit.runtime.Role;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Checks a mesh that runs, and says what to mend. */
@Command(
    name = "mesh",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Checks a mesh that runs: does each server answer, do all run the same code and know the same"
          + " models, do their clocks agree, when do certificates expire, do database, disk, queues"
          + " and breakers look well, does the reward score as it was published.",
      "It asks and changes nothing."
    },
    footer = {"", "Exit code 1: something must be mended; 3: no server answers."})
final class DoctorMeshCommand implements Callable<Integer> {
  @Option(
      names = "--http-port",
      paramLabel = "PORT",
      defaultValue = "${env:BALLAST_HTTP_PORT:-9180}",
      description =
          "Where the target has health and metrics (default: 9180, or $$BALLAST_HTTP_PORT).")
  private int httpPort;

  @Option(
      names = "--server",
      paramLabel = "ROLE=HOST:PORT:HTTPPORT",
      description =
          "In place of --target, where a server is, such as reward-server=10.0.0.7:9100:9180; once"
              + " for each, replicas too (default: all four at the target, or at its port and the"
              + " three that follow).")
  private List<String> servers = new ArrayList<>();

  @Option(
      names = "--no-parity",
      description = "Leave out whether the reward scores as it was published, which takes a while.")
  private boolean noParity;

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;
  @Spec private CommandSpec spec = CommandSpec.create();

  DoctorMeshCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    Findings findings = new Findings(printing);
    List<ServerPlace> places = servers.isEmpty() ? atTarget() : given();
    new MeshExamination(target, places, InstantSource.system(), !noParity).run(findings::add);
    return findings.end("To mend: %d", "It serves; %d to look at").code();
  }

  private List<ServerPlace> given() {
    return servers.stream()
        .map(
            text ->
                ServerPlace.parse(text)
                    .orElseThrow(
                        () ->
                            new ParameterException(
                                spec.commandLine(),
                                "--server: "
                                    + text
                                    + " (expected: ROLE=HOST:PORT:HTTPPORT, such as"
                                    + " reward-server=10.0.0.7:9100:9180)")))
        .toList();
  }

  /** All in one process, or each in its own, whose ports follow each other. */
  private List<ServerPlace> atTarget() {
    String host = target.address().substring(0, Math.max(0, target.address().lastIndexOf(':')));
    List<ServerPlace> places = new ArrayList<>();
    for (Role role : Role.values()) {
      String address = addressOf(role);
      int shift = address.equals(target.address()) ? 0 : role.ordinal();
      places.add(new ServerPlace(role, address, host + ":" + (httpPort + shift)));
    }
    return places;
  }

  /** Where a role answers; the target, too, if nobody can ask there for an expired certificate. */
  private String addressOf(Role role) {
    try {
      return target.addressOf(role, ServerPlace.service(role));
    } catch (CommandFailure e) {
      if (e.exit() == Exit.UNREACHABLE && hasExpired(target.address())) {
        return target.address(); // there is something to say of it
      }
      throw e;
    }
  }

  private boolean hasExpired(String address) {
    if (!address.matches(".+:\\d{1,5}")) {
      return false;
    }
    ServerPlace place = new ServerPlace(Role.POLICY_SERVER, address, address);
    Instant now = InstantSource.system().instant();
    return TlsLook.certificate(place.host(), place.port(), target.timeout())
        .filter(shown -> shown.getNotAfter().toInstant().isBefore(now))
        .isPresent();
  }
}
