// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Testing;

namespace Tombolo.Switching.Tests;

/// <summary>A switch with scripted drivers on its ports, named a, b, c …, with the addresses 02:00:00:00:00:01, 02 and so on.</summary>
internal sealed class SwitchRig : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<ScriptedDriver> _drivers = [];

    public VirtualSwitch Switch { get; private set; } = null!;

    public SwitchOptions Options { get; private set; } = null!;

    public static SwitchRig Start(int ports, Func<PortOptions, PortOptions>? with = null, Func<SwitchOptions, SwitchOptions>? withSwitch = null, Microsoft.Extensions.Logging.ILogger? log = null)
    {
        var rig = new SwitchRig();
        PortOptions[] all = [.. Enumerable.Range(0, ports).Select(rig.PortAt)];
        var options = new SwitchOptions { Ports = [.. all.Select(with ?? (static port => port))] };
        rig.Options = withSwitch?.Invoke(options) ?? options;
        rig.Switch = VirtualSwitch.Start(rig.Options, log);
        return rig;
    }

    public PortOptions PortAt(int index) => new() { Name = NameOf(index), SocketPath = _folder[NameOf(index) + ".sock"], Macs = [MacOf(index)] };

    public static string NameOf(int index) => ((char)('a' + index)).ToString();

    public static MacAddress MacOf(int index) => new(0x0200_0000_0001UL + (uint)index);

    public string PathOf(int index) => _folder[NameOf(index) + ".sock"];

    public ScriptedDriver Attach(int index, ScriptedDriver? driver = null, bool refill = true)
    {
        driver ??= new();
        _drivers.Add(driver);
        driver.Attach(PathOf(index));
        if (refill) driver.Refill().ShouldBeGreaterThan(0);
        return driver;
    }

    public ScriptedDriver[] AttachAll(int count) => [.. Enumerable.Range(0, count).Select(index => Attach(index))];

    public static byte[] FrameFor(int to, int from, int number, int length = 64) => FrameFor(MacOf(to), MacOf(from), number, length);

    public static byte[] FrameFor(MacAddress to, MacAddress from, int number, int length = 64)
    {
        byte[] frame = new byte[length];
        new Random(number).NextBytes(frame);
        to.Write(frame);
        from.Write(frame.AsSpan(6));
        BinaryPrimitives.WriteUInt16BigEndian(frame.AsSpan(12), 0x88b5);   // for experiments
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(14), number);
        return frame;
    }

    public static int NumberOf(byte[] frame) => BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(14));

    /// <summary>Waits for a frame, giving buffers back all the while.</summary>
    public static (byte[] Header, byte[] Frame) Receive(ScriptedDriver driver, int pair = 0)
    {
        (byte[], byte[])? frame = null;
        Testing.Watchdog.Until(() => (frame = driver.TryReceive(pair)) is not null, "a frame comes");
        _ = driver.Refill(pair);
        return frame!.Value;
    }

    /// <summary>Sends, waiting for room.</summary>
    public static void Send(ScriptedDriver driver, byte[] frame, byte[]? header = null, int pair = 0, int pieces = 1) =>
        Testing.Watchdog.Until(() => driver.TrySend(frame, header, pair, pieces), "there is room to send");

    /// <summary>Waits until the switch has taken all that was sent: whatever follows from it has happened.</summary>
    public static void Settle(ScriptedDriver driver) => Testing.Watchdog.Until(() => driver.Unsent() == 0, "everything sent is taken");

    public async Task<PortSnapshot> Port(int index) => (await Switch.SnapshotAsync()).Ports.Single(port => port.Options.Name == NameOf(index));

    public void Restart()
    {
        Switch.DisposeAsync().AsTask().Wait();
        Switch = VirtualSwitch.Start(Options);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ScriptedDriver driver in _drivers) driver.Dispose();
        await Switch.DisposeAsync();
        _folder.Dispose();
    }
}
