// Prints `N passed, N failed` from Vitest's JSON report. Plain JavaScript, because it must also run when the install
// is half broken. A file that fails before its first test counts as one failure: it would otherwise count as nothing.
import { readFileSync } from 'node:fs'

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const brokenFiles = report.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
)
const failed = report.numFailedTests + brokenFiles.length

console.log(`${report.numPassedTests} passed, ${failed} failed`)
process.exit(failed === 0 && report.numPassedTests > 0 ? 0 : 1)
