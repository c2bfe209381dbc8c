package io.ballast.inference.scoring;

import io.ballast.kit.call.ItemFault;

/**
 * Turns the items of one request into what a scoring model sees, naming what cannot be. For one
 * thread.
 */
public interface ItemReading {
  /**
   * Returns an item as the model sees it.
   *
   * @param path where the item stands in the request, such as {@code items[3]}
   */
  SeenItem read(String path, Content prompt, Content completion) throws ItemRefusal;

  /** An item that cannot be scored. */
  final class ItemRefusal extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient ItemFault fault;

    ItemRefusal(ItemFault.Reason reason, String message) {
      super(message);
      fault = new ItemFault(reason, message);
    }

    /** Why not. */
    public ItemFault fault() {
      return fault;
    }
  }
}
