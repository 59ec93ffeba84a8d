// Express 4 keeps the contract of adapters.
import express from 'express4'
import { mountOn } from './express.ts'
import { conforms } from './stores.ts'

conforms('reprise/express with Express 4', mountOn(express as never), {
  exempt: [
    {
      check: 'middleware: failures: NotApplied',
      reason: 'Express takes an error to its error handlers past the middlewares before it; use the outcome style',
    },
  ],
})
