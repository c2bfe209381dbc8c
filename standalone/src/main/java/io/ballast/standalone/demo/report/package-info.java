/** What the demo leaves behind: a page with plots that needs no network, and JSON. */
@NullMarked
package io.ballast.standalone.demo.report;

import org.jspecify.annotations.NullMarked;
