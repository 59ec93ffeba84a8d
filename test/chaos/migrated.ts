import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from 'reprise/engine'

/** A service may start while its server is down: it waits for it. */
export async function migrated(store: Pick<Store, 'migrate'>): Promise<void> {
  for (;;) {
    try {
      await store.migrate()
      return
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'store-unavailable') throw error
      await sleep(50)
    }
  }
}
