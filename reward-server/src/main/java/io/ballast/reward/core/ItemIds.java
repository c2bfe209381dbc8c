package io.ballast.reward.core;

import io.ballast.kit.call.Texts;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the items of a request are called. */
public final class ItemIds {
  private static final int MAX_ID_CHARACTERS = 128;

  private ItemIds() {}

  /**
   * The name of each item, its index if it has none.
   *
   * @param max the most items of a request
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST for no items, too many, or ids
   *     that are too long or not unique
   */
  public static List<String> of(List<ScoreItem> items, int max) {
    if (items.isEmpty() || items.size() > max) {
      throw Texts.malformed("items", "%,d items (expected: 1 to %,d)".formatted(items.size(), max));
    }
    Map<String, Integer> seen = new HashMap<>();
    List<String> ids = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      String id = id(items.get(i), i);
      if (seen.put(id, i) != null) {
        throw Texts.malformed(
            items.get(i).path() + ".item_id", "'%s' is another item's too".formatted(id));
      }
      ids.add(id);
    }
    return ids;
  }

  private static String id(ScoreItem item, int index) {
    if (item.itemId().length() > MAX_ID_CHARACTERS) {
      throw Texts.malformed(
          item.path() + ".item_id",
          "%,d characters (expected: at most %d)"
              .formatted(item.itemId().length(), MAX_ID_CHARACTERS));
    }
    return item.itemId().isEmpty() ? Integer.toString(index) : item.itemId();
  }
}
