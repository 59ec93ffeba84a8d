// A process that takes an operation, says so, and is then stopped by whoever started it. Not a test: it is run by one.
import { open, told } from './libraries.ts'

const [library, url, table, key] = process.argv.slice(2) as ['pg' | 'postgres.js', string, string, string]
const holder = await open(library, url, { table })
const end = await told(
  holder.reprise.run(
    { name: 'order', guarantee: 'transactional', lease: 500 },
    { principal: 'p', key },
    async ({ tx }) => {
      await holder.exec(tx, 'insert into effects values ($1)', [key])
      process.send?.('holding')
      // Told to go on only after it has stood still.
      await new Promise((resolve) => process.once('message', resolve))
      await holder.exec(tx, 'insert into effects values ($1)', [key])
      return 'made by the holder'
    },
  ),
)
process.send?.(end)
await holder.close()
process.disconnect()
