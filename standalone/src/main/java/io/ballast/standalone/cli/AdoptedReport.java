package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.brought.AskedItems;
import io.ballast.inference.brought.BroughtAdoption.Adopted;
import io.ballast.inference.brought.BroughtItem;
import io.ballast.inference.brought.BroughtMember;
import io.ballast.inference.brought.GoldenItems;
import java.util.Locale;

/** Says what an adoption made: members, scales, what was left out, golden scores. */
final class AdoptedReport {
  private static final int SHOWN = 48;
  private static final int MOST_TOLD = 3;

  private final Printing printing;
  private final boolean scaled;
  private final String serve;

  /**
   * @param scaled whether scales were made of reference items
   * @param serve the command that has a mesh serve it
   */
  AdoptedReport(Printing printing, boolean scaled, String serve) {
    this.printing = printing;
    this.scaled = scaled;
    this.serve = serve;
  }

  void show(Adopted adopted) {
    String model = adopted.model().name() + "/" + adopted.model().version();
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    document.put("name", adopted.model().name());
    document.put("version", adopted.model().version());
    document.put("folder", adopted.model().folder().toString());
    document.put("serve", serve);
    ArrayNode list = document.putArray("members");
    TextTable table = TextTable.headed("member", "reads", "score", "mean", "std");
    for (BroughtMember member : adopted.manifest().members()) {
      list.addObject()
          .put("model", member.id())
          .put("input", member.input().form())
          .put("score", member.score().kind())
          .put("mean", member.scale().mean())
          .put("std", member.scale().std());
      table.row(
          member.id(),
          member.input().form(),
          (member.lowerIsBetter() ? "− " : "") + member.score().kind(),
          figure(member.scale().mean()),
          figure(member.scale().std()));
    }
    ArrayNode golden = document.putArray("golden");
    for (GoldenItems.Item item : adopted.golden().items()) {
      ArrayNode scores = golden.addObject().put("completion", shown(item)).putArray("scores");
      item.scores().forEach(scores::add);
    }
    ObjectNode asked = document.putObject("asked");
    asked.put("scored", adopted.asked().scored().size());
    ArrayNode leftOut = asked.putArray("left_out");
    adopted
        .asked()
        .leftOut()
        .forEach(each -> leftOut.addObject().put("at", each.at()).put("why", each.why()));
    printing.document(document);
    printing.table(table);
    printing.line("");
    tell(adopted.asked());
    for (GoldenItems.Item item : adopted.golden().items()) {
      printing.line(
          String.join("  ", item.scores().stream().map(AdoptedReport::figure).toList())
              + "  "
              + Excerpt.of(shown(item), SHOWN));
    }
    printing.line("");
    printing.line("published: " + model);
    printing.line("Serve it: " + serve);
  }

  /** What was asked, and what of it went unscored. */
  private void tell(AskedItems asked) {
    printing.line(
        !scaled
            ? "%,d of %,d usual items %s golden; the scales are as stated:"
                .formatted(
                    asked.scored().size(), asked.size(), asked.scored().size() == 1 ? "is" : "are")
            : "mean and std are of %,d of %,d reference items; the first are golden:"
                .formatted(asked.scored().size(), asked.size()));
    asked.leftOut().stream().limit(MOST_TOLD).forEach(each -> printing.line("left out: " + each));
    if (asked.leftOut().size() > MOST_TOLD) {
      printing.line(
          "left out: %,d more; --json tells all".formatted(asked.leftOut().size() - MOST_TOLD));
    }
  }

  private static String shown(GoldenItems.Item item) {
    return switch (item.item()) {
      case BroughtItem.Texts texts -> texts.completion();
      case BroughtItem.Tokens tokens -> tokens.completion().toString();
    };
  }

  private static String figure(double number) {
    return String.format(Locale.ROOT, "%.4f", number);
  }
}
