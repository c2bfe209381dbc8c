package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.call.Texts;
import io.ballast.policy.adapter.spool.DamagedFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** What a policy-server set aside of its spool because it is damaged. */
@Command(
    name = "spool",
    mixinStandardHelpOptions = true,
    description =
        "What a policy-server set aside of its spool because it is damaged: shows it, replays what"
            + " is whole in it.")
final class SpoolCommand implements Callable<Integer> {
  /** For whoever finds damaged files. */
  static final String MEND =
      "./mesh spool damaged shows what is whole in them, ./mesh spool replay FILE brings it into the"
          + " database";

  @Spec private CommandSpec spec = CommandSpec.create();

  /** The command with its subcommands. */
  static CommandLine commandLine(CommandContext context) {
    return new CommandLine(new SpoolCommand())
        .addSubcommand(new Damaged(context))
        .addSubcommand(new Replay(context));
  }

  @Override
  public Integer call() {
    spec.commandLine().usage(spec.commandLine().getErr());
    return Exit.USAGE.code();
  }

  /** Where a policy-server keeps its spool. */
  static Path folder(Path data) {
    return data.resolve("policy-spool");
  }

  private static List<Path> damaged(Path folder) {
    try {
      return DamagedFile.in(folder);
    } catch (IOException e) {
      throw new CommandFailure(
          Exit.FAILED, "FOLDER", "cannot read " + folder + ": " + e.getMessage());
    }
  }

  private static DamagedFile read(Path path) {
    try {
      return DamagedFile.read(path);
    } catch (IOException e) {
      throw new CommandFailure(Exit.FAILED, "FILE", "cannot read " + path + ": " + e.getMessage());
    }
  }

  private static String damage(DamagedFile file) {
    return file.damage().isEmpty() ? "none" : "at byte %,d".formatted(file.damage().getAsLong());
  }

  /** Shows the files. */
  @Command(
      name = "damaged",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "Shows the damaged files of the spool of this machine's policy-server: how many decisions"
            + " and events are whole in each, and where the damage begins. Shows no text, changes"
            + " nothing."
      },
      footer = {
        "",
        "Those searched for stand behind a damage whose length cannot be read; ./mesh spool replay"
            + " takes them with --searched. docs/operations/degraded.md says why."
      })
  static final class Damaged implements Callable<Integer> {
    @Mixin private DataFolder data = new DataFolder();
    @Mixin private Printing printing = new Printing();
    private final CommandContext context;

    Damaged(CommandContext context) {
      this.context = context;
    }

    @Override
    public Integer call() {
      Path folder = folder(data.path(context));
      List<DamagedFile> files = damaged(folder).stream().map(SpoolCommand::read).toList();
      ObjectNode document = JsonNodeFactory.instance.objectNode();
      ArrayNode all = document.putArray("files");
      TextTable table =
          TextTable.headed("file", "bytes", "damage", "decisions", "events", "searched", "unknown");
      for (DamagedFile file : files) {
        ObjectNode shown =
            all.addObject()
                .put("file", file.path().toString())
                .put("size_bytes", file.sizeBytes())
                .put("decisions", file.decisions(false))
                .put("events", file.events(false))
                .put("searched_decisions", file.decisions(true))
                .put("searched_events", file.events(true))
                .put("unknown", file.unknown());
        file.damage().ifPresent(at -> shown.put("damage_at_byte", at));
        table.row(
            file.path().getFileName().toString(),
            "%,d".formatted(file.sizeBytes()),
            damage(file),
            "%,d".formatted(file.decisions(false)),
            "%,d".formatted(file.events(false)),
            "%,d".formatted(file.decisions(true) + file.events(true)),
            "%,d".formatted(file.unknown()));
      }
      printing.document(document);
      if (files.isEmpty()) {
        printing.line("none is damaged in " + folder);
      } else {
        printing.table(table);
        printing.line("./mesh spool replay FILE brings what is whole into the database");
      }
      return Exit.OK.code();
    }
  }

  /** Replays a file. */
  @Command(
      name = "replay",
      mixinStandardHelpOptions = true,
      sortOptions = false,
      description = {
        "Puts what is whole in a damaged file behind what waits in its spool; the policy-server"
            + " brings it into the database when it starts. Nothing is stored twice: decisions have"
            + " their ids, events their keys."
      },
      footer = {
        "",
        "The policy-server must be down (./mesh down). Whatever was deleted by request since then"
            + " comes back: delete it again afterwards."
      })
  static final class Replay implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "As ./mesh spool damaged names it.")
    private Path file = Path.of("");

    @Option(
        names = "--searched",
        description =
            "Also what was searched for behind a damage: a user's text may be made to look like it.")
    private boolean searched;

    @Mixin private DataFolder data = new DataFolder();
    @Mixin private Printing printing = new Printing();
    private final CommandContext context;

    Replay(CommandContext context) {
      this.context = context;
    }

    @Override
    public Integer call() {
      Path folder = folder(data.path(context));
      Path path = folder.resolve(file);
      if (!damaged(folder).contains(path)) {
        throw new CommandFailure(
            Exit.USAGE,
            "FILE",
            file + " is no damaged file of " + folder + "; ./mesh spool damaged");
      }
      DamagedFile damaged = read(path);
      int decisions = damaged.decisions(false) + (searched ? damaged.decisions(true) : 0);
      int events = damaged.events(false) + (searched ? damaged.events(true) : 0);
      Path kept;
      try {
        kept = damaged.replay(searched);
      } catch (IOException e) {
        throw new CommandFailure(
            Exit.REFUSED,
            "SPOOL",
            e.getMessage() + "; nothing is lost: stop the policy-server (./mesh down), try again");
      }
      printing.document(
          JsonNodeFactory.instance
              .objectNode()
              .put("decisions", decisions)
              .put("events", events)
              .put("left", damaged.left(searched))
              .put("kept", kept.toString()));
      printing.line(
          "%s and %s wait for the database: start the policy-server"
              .formatted(Texts.counted(decisions, "decision"), Texts.counted(events, "event")));
      printing.line(
          damaged.left(searched) > 0
              ? "%s are left in %s: of a later release, or searched for (--searched)"
                  .formatted(Texts.counted(damaged.left(searched), "record"), kept)
              : kept + " holds texts: delete it when you need it no more");
      return Exit.OK.code();
    }
  }
}
