-- Opens a file with a wrong unit in Neovim, set up as docs/editors.md says; waits for the
-- diagnostic, repairs the file, waits until it is gone, and stops the server.
--
--   nvim --headless --clean -n -c 'luafile neovim.lua'
--
-- Environment: ACADL_EDITORS_PAGE is docs/editors.md, ACADL_FILE the file to make and to open.

local patience = 20000 -- milliseconds

local function fail(message)
  io.stderr:write("FAILED: " .. message .. "\n")
  vim.cmd("cquit 1")
end

local function check(condition, message)
  if not condition then
    fail(message)
  end
end

local function expect(name, actual, expected)
  check(vim.deep_equal(actual, expected), string.format("%s is %s, expected %s", name,
    vim.inspect(actual), vim.inspect(expected)))
end

local function setUpAsDocumented()
  local page = io.open(os.getenv("ACADL_EDITORS_PAGE")):read("*a")
  local lines = page:match("```lua\n(.-)```")
  check(lines, "no Lua lines on the page")
  assert(load(lines))()
end

local function write(text)
  local file = assert(io.open(os.getenv("ACADL_FILE"), "w"))
  file:write(text)
  file:close()
end

local function test()
  setUpAsDocumented()
  -- The apple is two UTF-16 units and four bytes: Neovim counts bytes, the protocol units.
  write("/* 🍎 */ const latency = 4 cylces\n")
  vim.cmd("edit " .. vim.fn.fnameescape(os.getenv("ACADL_FILE")))

  check(vim.wait(patience, function() return #vim.diagnostic.get(0) > 0 end, 20), "no diagnostic")
  local found = vim.diagnostic.get(0)
  expect("count", #found, 1)
  local diagnostic = found[1]
  expect("range", { diagnostic.lnum, diagnostic.col, diagnostic.end_lnum, diagnostic.end_col },
    { 0, 29, 0, 35 })
  expect("severity", diagnostic.severity, vim.diagnostic.severity.ERROR)
  expect("source", diagnostic.source, "acadlc")
  expect("code", diagnostic.code or diagnostic.user_data.lsp.code, "E0201")
  check(diagnostic.message:find("unknown unit 'cylces'", 1, true), diagnostic.message)
  print("diagnostic arrived")

  vim.api.nvim_buf_set_lines(0, 0, 1, false, { "/* 🍎 */ const latency = 4 cycles" })
  check(vim.wait(patience, function() return #vim.diagnostic.get(0) == 0 end, 20),
    "the diagnostic stays")
  print("diagnostic cleared")

  for _, client in pairs(vim.lsp.get_active_clients()) do
    client.stop()
  end
  check(vim.wait(patience, function() return #vim.lsp.get_active_clients() == 0 end, 20),
    "the server does not stop")
  print("server stopped")
end

local ok, message = pcall(test)
if not ok then
  fail(tostring(message))
end
vim.cmd("qall!")
