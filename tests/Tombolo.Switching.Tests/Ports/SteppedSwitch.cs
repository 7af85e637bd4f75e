// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Tombolo.Testing;

namespace Tombolo.Switching.Tests;

/// <summary>A clock that stands still until it is told to go on.</summary>
internal sealed class ManualTime : TimeProvider
{
    public long Now { get; set; } = 1_000_000;

    public override long TimestampFrequency => 1_000_000;

    public override long GetTimestamp() => Now;
}

/// <summary>A switch whose loops a test turns by hand, with a clock of its own: what happens follows from the script alone.</summary>
internal sealed class SteppedSwitch : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SwitchLoop _loop;

    public SteppedSwitch(int ports, Func<PortOptions, PortOptions>? with = null, Func<int, ScriptedDriver>? driver = null, ILogger? log = null)
    {
        PortOptions[] all = [.. Enumerable.Range(0, ports).Select(index => new PortOptions { Name = SwitchRig.NameOf(index), SocketPath = _folder[SwitchRig.NameOf(index)], Macs = [SwitchRig.MacOf(index)] })];
        _loop = new(new() { Ports = [.. all.Select(with ?? (static port => port))] }, log ?? NullLogger.Instance, Time);
        Drivers = [.. Enumerable.Range(0, ports).Select(index => driver?.Invoke(index) ?? new ScriptedDriver())];
        for (int i = 0; i < ports; i++) Attach(i);
        Turn();
    }

    public ManualTime Time { get; } = new();

    public ScriptedDriver[] Drivers { get; }

    public DataThread Thread => _loop.Threads[0];

    public VhostPort Port(int index) => _loop.Find(SwitchRig.NameOf(index)).Vhost!;

    public long Count(int port, PortCounter counter) => _loop.Snapshot().Ports.Single(found => found.Options.Name == SwitchRig.NameOf(port))[counter];

    /// <summary>Turns until nothing is left to do now.</summary>
    public void Turn()
    {
        _loop.RunOnce();
        for (int i = 0; i < 40; i++) _ = Thread.Turn(mayWait: false);
        while (Thread.Turn(mayWait: false)) { }
    }

    /// <summary>A turn that may sleep, on a thread of its own. When this returns it has looked at everything, and waits for somebody to wake it.</summary>
    public Task Sleep()
    {
        long before = Thread.Sleeps;
        Task turn = Task.Factory.StartNew(() => _ = Thread.Turn(mayWait: true), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Testing.Watchdog.Until(() => Thread.Sleeps > before, "the data thread sleeps");
        return turn;
    }

    public void Send(int from, byte[] frame, byte[]? header = null)
    {
        Drivers[from].TrySend(frame, header, pieces: 3).ShouldBeTrue();
        Turn();
    }

    public void Change(int port, Func<PortOptions, PortOptions> with) => _loop.ChangePort(with(Port(port).Options));

    /// <summary>Every frame that has come to a port.</summary>
    public List<(byte[] Header, byte[] Frame)> Received(int port)
    {
        var all = new List<(byte[], byte[])>();
        while (Drivers[port].TryReceive() is { } frame) all.Add(frame);
        _ = Drivers[port].Refill();
        return all;
    }

    public void Dispose()
    {
        foreach (ScriptedDriver driver in Drivers) driver.Dispose();
        _loop.Dispose();
        _folder.Dispose();
    }

    // The front end waits for answers, so that it needs a thread of its own.
    private void Attach(int index)
    {
        Task attaching = Task.Run(() => Drivers[index].Attach(_folder[SwitchRig.NameOf(index)]));
        Testing.Watchdog.Until(() =>
        {
            _loop.RunOnce();
            return attaching.IsCompleted;
        }, "the driver is attached");
        attaching.IsCompletedSuccessfully.ShouldBeTrue(attaching.Exception?.ToString());
        _ = Drivers[index].Refill();
    }
}
