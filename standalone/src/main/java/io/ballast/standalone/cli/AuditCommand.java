package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.AuditLine;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What was done for good, in chains of hashes. */
@Command(
    name = "audit",
    mixinStandardHelpOptions = true,
    description =
        "What was done for good: promotions, rollbacks, canaries, moves without a certificate,"
            + " certificates, runs, trainings of rewards, turns of serving files, deletions,"
            + " configurations.")
final class AuditCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new AuditCommand())
        .addSubcommand(new ListThem(context))
        .addSubcommand(new Export(context))
        .addSubcommand(new Verify(context));
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return Exit.USAGE.code();
  }

  /** Lists the latest entries of each trail. */
  @Command(
      name = "list",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "Lists the latest entries of each trail, the oldest first. Of what more an entry holds the"
            + " beginning is shown; --json has all."
      })
  static final class ListThem implements Callable<Integer> {
    /** Of what more an entry holds, in characters: rights of many people are thousands. */
    private static final int SHOWN = 80;

    @Option(
        names = "--trail",
        paramLabel = "NAME",
        defaultValue = "",
        description = "Only this one: policy, reward, safety or orchestrator.")
    private String trail = "";

    @Option(
        names = "--limit",
        paramLabel = "N",
        defaultValue = "50",
        description = "How many of each trail (default: 50).")
    private int limit = 50;

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    ListThem(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      Map<String, Deque<AuditEntry>> latest = new HashMap<>();
      Deque<String> order = new ArrayDeque<>();
      AuditTrails.read(
          target,
          trail,
          entry -> {
            Deque<AuditEntry> last =
                latest.computeIfAbsent(
                    entry.trail(),
                    name -> {
                      order.add(name);
                      return new ArrayDeque<>();
                    });
            last.add(entry);
            if (last.size() > Math.max(1, limit)) {
              last.removeFirst();
            }
          });
      ObjectNode document = JsonNodeFactory.instance.objectNode();
      ArrayNode all = document.putArray("entries");
      TextTable table = TextTable.headed("trail", "entry", "at", "action", "subject", "by", "more");
      for (String name : order) {
        for (AuditEntry entry : latest.getOrDefault(name, new ArrayDeque<>())) {
          all.add(AuditLine.tree(entry));
          JsonNode content = AuditFile.content(entry);
          table.row(
              name,
              Long.toString(entry.sequence()),
              content.path("at").asText(),
              content.path("action").asText(),
              content.path("subject").asText(),
              by(content),
              Excerpt.of(content.path("details").toString(), SHOWN));
        }
      }
      printing.document(document);
      printing.table(table);
      return Exit.OK.code();
    }

    /** Whom the edge knew, and whom the request named. */
    private static String by(JsonNode content) {
      String principal = content.path("principal").asText();
      String behalf = content.path("on_behalf_of").asText();
      String actor = behalf.isEmpty() ? content.path("actor").asText() : behalf;
      if (!principal.isEmpty()) {
        return actor.isEmpty() ? principal : "%s for %s".formatted(principal, actor);
      }
      String tenant = content.path("tenant").asText(); // an earlier release named no principal
      return !actor.isEmpty() ? actor : !tenant.isEmpty() ? tenant : "the server";
    }
  }

  /** Writes the trails to a file. */
  @Command(
      name = "export",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "Writes the trails to a file, an entry a line, for verify and for whoever keeps them"
            + " elsewhere."
      })
  static final class Export implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "Where to; it must not be there yet.")
    private Path file = Path.of("");

    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    Export(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      if (Files.exists(file)) {
        throw new CommandFailure(Exit.USAGE, "FILE", file + " is there already");
      }
      AuditTrails.Verifier verifier = new AuditTrails.Verifier("the mesh");
      Path partial = file.resolveSibling(file.getFileName() + ".part");
      try {
        try {
          write(partial, verifier);
          Files.move(partial, file);
        } finally {
          Files.deleteIfExists(partial); // what broke off, or was altered, is no export
        }
      } catch (IOException | UncheckedIOException e) {
        throw new CommandFailure(
            Exit.FAILED, "FILE", "%s cannot be written: %s".formatted(file, e.getMessage()));
      }
      show(printing, verifier);
      return Exit.OK.code();
    }

    private void write(Path partial, AuditTrails.Verifier verifier) throws IOException {
      try (BufferedWriter out = Files.newBufferedWriter(partial)) {
        AuditTrails.read(
            target,
            "",
            entry -> {
              verifier.accept(entry);
              try {
                out.write(AuditLine.of(entry) + "\n");
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
      }
    }
  }

  /** Verifies the trails. */
  @Command(
      name = "verify",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = "Computes every hash of the trails again; exit code 1 names the first flaw.",
      footer = {
        "",
        "Who may do anything in the database, or in the reward-server's data folder, can make a"
            + " whole trail anew, or take away its end: an export that is kept elsewhere shows"
            + " that."
      })
  static final class Verify implements Callable<Integer> {
    @Parameters(
        arity = "0..1",
        paramLabel = "FILE",
        description = "An earlier export: the trails must begin as it does.")
    private @Nullable Path file;

    @Option(names = "--offline", description = "Verify the file alone, without a mesh.")
    private boolean offline;

    @Spec private CommandSpec spec = CommandSpec.create();
    @Mixin private Printing printing = new Printing();
    @Mixin private MeshTarget target;

    Verify(CommandContext context) {
      this.target = new MeshTarget(context);
    }

    @Override
    public Integer call() {
      if (offline && file == null) {
        throw new CommandLine.ParameterException(spec.commandLine(), "--offline: needs a FILE");
      }
      Map<String, AuditEntry> known = new HashMap<>();
      AuditTrails.Verifier earlier = new AuditTrails.Verifier(String.valueOf(file));
      if (file != null) {
        for (AuditEntry entry : AuditFile.read(file)) {
          earlier.accept(entry);
          known.put(entry.trail() + "/" + entry.sequence(), entry);
        }
      }
      if (offline) {
        show(printing, earlier);
        return Exit.OK.code();
      }
      AuditTrails.Verifier verifier = new AuditTrails.Verifier("the mesh");
      AuditTrails.read(
          target,
          "",
          entry -> {
            verifier.accept(entry);
            AuditEntry before = known.get(entry.trail() + "/" + entry.sequence());
            if (before != null && !before.equals(entry)) {
              throw new CommandFailure(
                  Exit.FAILED,
                  "ALTERED",
                  "trail %s: entry %,d is another than in %s"
                      .formatted(entry.trail(), entry.sequence(), file));
            }
          });
      earlier
          .chains()
          .forEach(
              (name, chain) -> {
                AuditChain whole = verifier.chains().get(name);
                long now = whole == null ? 0 : whole.length();
                if (now < chain.length()) {
                  throw new CommandFailure(
                      Exit.FAILED,
                      "ALTERED",
                      "trail %s: %s, of which %s has %,d: its end is gone"
                          .formatted(name, entries(now), file, chain.length()));
                }
              });
      show(printing, verifier);
      return Exit.OK.code();
    }
  }

  private static void show(Printing printing, AuditTrails.Verifier verifier) {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    ObjectNode trails = document.putObject("trails");
    verifier
        .chains()
        .forEach(
            (name, chain) -> {
              trails.putObject(name).put("entries", chain.length()).put("head", chain.head());
              printing.line(
                  "%s: %s, each follows the one before; the last is %s"
                      .formatted(name, entries(chain.length()), chain.head()));
            });
    printing.document(document);
  }

  private static String entries(long count) {
    return "%,d %s".formatted(count, count == 1 ? "entry" : "entries");
  }
}
