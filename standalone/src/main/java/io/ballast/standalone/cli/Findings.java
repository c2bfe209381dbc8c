package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.standalone.cli.Finding.Health;
import java.util.ArrayList;
import java.util.List;

/** Prints findings as they come, and what they amount to. */
final class Findings {
  private final Printing printing;
  private final List<Finding> all = new ArrayList<>();

  Findings(Printing printing) {
    this.printing = printing;
  }

  /** Prints one more. */
  void add(Finding finding) {
    all.add(finding);
    String mark =
        switch (finding.health()) {
          case GOOD -> "ok  ";
          case WEAK -> "look";
          case BROKEN -> "MEND";
        };
    printing.line(String.format("%s  %-13s %s", mark, finding.subject(), finding.detail()));
    if (!finding.mend().isEmpty()) {
      printing.line(" ".repeat(20) + "→ " + finding.mend());
    }
  }

  /**
   * Prints what all amount to, and the JSON document if one is wanted.
   *
   * @param broken a line with a place for how many are broken
   * @param weak the same of those to look at
   */
  Exit end(String broken, String weak) {
    long mend = count(Health.BROKEN);
    long look = count(Health.WEAK);
    printing.line("");
    printing.line(mend > 0 ? broken.formatted(mend) : look > 0 ? weak.formatted(look) : "All well");
    printing.document(document());
    return mend > 0 ? Exit.FAILED : Exit.OK;
  }

  private long count(Health health) {
    return all.stream().filter(finding -> finding.health() == health).count();
  }

  private ObjectNode document() {
    ObjectNode document = JsonNodeFactory.instance.objectNode();
    ArrayNode list = document.putArray("findings");
    for (Finding finding : all) {
      list.addObject()
          .put("subject", finding.subject())
          .put("health", finding.health().name())
          .put("detail", finding.detail())
          .put("mend", finding.mend());
    }
    return document;
  }
}
