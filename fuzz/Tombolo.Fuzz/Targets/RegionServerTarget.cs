// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;
using Tombolo.Regions;

namespace Tombolo.Fuzz.Targets;

/// <summary>A region server against host clients that say anything, in any pieces, and hang up anywhere: a polite client gets its region, and an owner word is only claimed while somebody holds it.</summary>
internal sealed class RegionServerTarget : SocketServerTarget
{
    private static readonly string[] _words =
    [
        "GET PROTOCOL_VER", "INFORM REGION_NAME_LEN: ", "OWNING REGION_NAME_LEN: ", "GET REGION: ", "0x00000006", "0x00000002", "0x00000012", "0x00000100", "0xffffffff", "screen", "fb", "0x00000088", "0x00000001",
    ];

    private readonly RegionServer _server;

    public RegionServerTarget() : base("region-server", UnixSocketKind.Stream)
    {
        RegionDescriptor screen = new(0, 0, 4096, 8192, 136, new(4, 0, 64), new(4, 68, 132), "screen", 1);
        _server = RegionServer.StartAsync(new()
        {
            Layout = RegionLayout.Of(0, [screen, screen with { BeginOffset = 8192, EndOffset = 16384, Name = "fb", ManagedBy = 0 }]),
            ClientSocket = Socket,
            Doorbell = new() { SocketPath = PathOf("q"), MemoryName = "regions-fuzz" },
        }).GetAwaiter().GetResult();
    }

    public override IReadOnlyList<byte[]> Words { get; } = [.. _words.Select(Encoding.ASCII.GetBytes), .. Doings];

    public override IEnumerable<byte[]> Seeds() =>
    [
        [],
        Says("GET PROTOCOL_VER", "INFORM REGION_NAME_LEN: 0x00000006", "screen"),
        Says("GET PROTOCOL_VERINFORM REGION_NAME_LEN: 0x00000006GET REGION: screen"),
        Says("GET PROTOCOL_VER", "INFORM REGION_NAME_LEN: 0x00000012", "GET REGION: screen"),
        Says("GET PROTOCOL_VER", "INFORM REGION_NAME_LEN: 0x00000004", "none"),
        Says("GET PROTOCOL_VER", "OWNING REGION_NAME_LEN: 0x00000002", "fb0x000000880x00000001", "\0"),
        [.. Says("GET PROTOCOL_VER", "OWNING REGION_NAME_LEN: 0x00000002", "fb0x000000880x00000001"), 3, 0],
        Says("get protocol_ver"),
        Says("GET PROTOCOL_VER", "INFORM REGION_NAME_LEN: 0x7fffffff", "x"),
    ];

    protected override void ServePolite()
    {
        using (RegionClient client = RegionClient.Open("fb", new() { Socket = Socket, Timeout = TimeSpan.FromSeconds(20) }))
            FuzzFinding.Require(client.LengthBytes == 8192, $"The polite client's region has {client.LengthBytes} bytes.");
        FuzzFinding.Require(!_server.Completion.IsCompleted, "The server has ended.");
        RegionCounters counters = _server.SnapshotAsync().GetAwaiter().GetResult().Counters;
        FuzzFinding.Require(counters.Owners <= 1 + Hostile, $"{counters.Owners} owner words are held.");
    }

    protected override void Stop() => _server.DisposeAsync().AsTask().GetAwaiter().GetResult();

    // It answers at once, or not at all.
    protected override TimeSpan AnswerTime(int reads) => TimeSpan.FromMilliseconds(reads % 4);

    protected override string Describe(ReadOnlySpan<byte> bytes, int descriptors) => $"read {Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, 10)])}, {descriptors}";

    private static byte[] Says(params string[] said) => Script([.. said.Select(Encoding.Latin1.GetBytes)]);
}
