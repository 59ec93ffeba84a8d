import type { ListOptions, OperationRecord, Store } from 'reprise/engine'

/** All records of a store that nobody writes to any more, each once. */
export async function everyRecord(
  store: Pick<Store, 'list'>,
  among: Pick<ListOptions, 'state'> = {},
): Promise<OperationRecord[]> {
  const records = new Map<string, OperationRecord>()
  for (let cursor: string | undefined; ; ) {
    const page = await store.list({ ...among, limit: 1000, ...(cursor === undefined ? {} : { cursor }) })
    for (const record of page.items) records.set(record.id, record)
    if (page.next === undefined) return [...records.values()]
    cursor = page.next
  }
}
