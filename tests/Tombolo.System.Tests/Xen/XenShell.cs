// SPDX-License-Identifier: MIT
using System.Threading.Channels;
using Shouldly;

namespace Tombolo.System.Tests;

/// <summary>A command under way in a domain.</summary>
internal sealed class XenCommand(string text, Func<string> context)
{
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource<int> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _all = [];

    /// <summary>Its exit status, once it has ended.</summary>
    public Task<int> Ended => _ended.Task;

    /// <summary>What it said so far.</summary>
    public string[] Lines
    {
        get
        {
            lock (_all) return [.. _all];
        }
    }

    /// <summary>Waits for its next line.</summary>
    public async Task<string> NextAsync()
    {
        using CancellationTokenSource watchdog = new(XenMachine.Watchdog);
        try { return await _lines.Reader.ReadAsync(watchdog.Token); }
        catch (Exception exception) when (exception is OperationCanceledException or ChannelClosedException)
        {
            throw new InvalidOperationException($"'{text}' said no more{(exception is OperationCanceledException ? $" for {XenMachine.Watchdog.TotalSeconds:0} s" : "")}. It had said:\n{string.Join('\n', Lines)}\n--- the machine:\n{context()}", exception);
        }
    }

    /// <summary>Waits for its end, whatever its status.</summary>
    public async Task<(int Status, string Output)> ResultAsync()
    {
        try { return (await _ended.Task.WaitAsync(XenMachine.Watchdog), string.Join('\n', Lines)); }
        catch (TimeoutException exception) { throw new InvalidOperationException($"'{text}' does not end. It said:\n{string.Join('\n', Lines)}\n--- the machine:\n{context()}", exception); }
    }

    internal void Say(string line)
    {
        if (line.Length == 0) return;   // the agent's own, before the mark
        lock (_all) _all.Add(line);
        _ = _lines.Writer.TryWrite(line);
    }

    internal void End(int status)
    {
        _ = _lines.Writer.TryComplete();
        _ = _ended.TrySetResult(status);
    }
}

/// <summary>A domain's agent (guest/xen/common/agent): it runs commands, many at once.</summary>
internal sealed class XenShell(string name, Action<string> send, Func<string> context)
{
    private readonly Lock _gate = new();   // guards the rest
    private readonly Dictionary<int, XenCommand> _commands = [];
    private TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _last;

    public string Name => name;

    /// <summary>The agent's first word.</summary>
    public Task Ready
    {
        get
        {
            lock (_gate) return _ready.Task;
        }
    }

    /// <summary>Starts a command line.</summary>
    public XenCommand Start(string command)
    {
        XenCommand started = new($"{name}: {command}", context);
        lock (_gate)
        {
            _commands.Add(++_last, started);
            send($"{_last} {command}");
        }
        return started;
    }

    /// <summary>Runs a command line to its end, which must be good.</summary>
    /// <returns>What it said.</returns>
    public async Task<string> RunAsync(string command)
    {
        (int status, string output) = await Start(command).ResultAsync();
        status.ShouldBe(0, $"{name}: {command}\n{output}");
        return output;
    }

    /// <summary>The domain is gone, and whatever ran there.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            foreach (XenCommand command in _commands.Values) command.End(-1);
            _commands.Clear();
            _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    internal bool Take(string line)
    {
        string[] words = line.Split(' ', 3);
        lock (_gate)
        {
            if (words is ["+", ..])
            {
                _ = _ready.TrySetResult();
                return true;
            }
            if (words.Length < 2 || words[0] is not ("-" or "=") || !int.TryParse(words[1], out int id) || !_commands.TryGetValue(id, out XenCommand? command)) return false;
            if (words[0] == "-") command.Say(words.Length > 2 ? words[2] : "");
            else if (words.Length > 2 && int.TryParse(words[2], out int status) && _commands.Remove(id)) command.End(status);
            return true;
        }
    }
}
