// SPDX-License-Identifier: MIT
using Tombolo.Grants;
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Fuzz.Targets;

/// <summary>A service for grants against processes that ask for anything, with any descriptors, in any order: a polite pair shares a page and an event channel all the while, and nothing of the others stays.</summary>
internal sealed class GrantServerTarget : SocketServerTarget
{
    private const uint Any = GrantMessage.AnyDomain;
    private static readonly DomainId _one = new(1), _two = new(2);
    private readonly GrantServer _server;

    // Domains 1 and 2 are the polite pair's: the others may be anything else.
    public GrantServerTarget() : base("grant-server", UnixSocketKind.SequencedPacket) => _server = GrantServer.Start(new()
    {
        SocketPath = Socket,
        MaxProcesses = 4 * Hostile,
        Quotas = new() { Grants = 16, Pages = 64, Mappings = 16, Ports = 16 },
        Identify = static (_, wish) => wish is null ? new DomainId(3) : wish is { Value: 1 or 2 } && !_isPoliteTurn ? null : wish,
    });

    private static volatile bool _isPoliteTurn;

    public override IReadOnlyList<byte[]> Words { get; } =
    [
        .. Doings, Bytes(GrantOperation.Hello, 1, Any), Bytes(GrantOperation.Hello, 1, 7), Bytes(GrantOperation.Grant, 7, 1), Bytes(GrantOperation.Grant, 7, 1, 1), Bytes(GrantOperation.End, 8), Bytes(GrantOperation.End, 8, 1),
        Bytes(GrantOperation.Map, 7, 8, 1, 1), Bytes(GrantOperation.Unmap, 1), Bytes(GrantOperation.AllocateUnbound, 7), Bytes(GrantOperation.BindInterdomain, 7, 1), Bytes(GrantOperation.Close, 1),
        Bytes(GrantOperation.DeclareGrant, 7, 1, 0, 9), Bytes(GrantOperation.DeclareMapping, 7, 9, 1, 1, 1), Bytes(GrantOperation.DeclarePort, 2, 7), Bytes(GrantOperation.List), Bytes(GrantOperation.Declared),
        [1, 0, 23], [1, 0, 24], [12], [13], [14],   // requests of the right length; gifts: sealed memory, writable and read-only, and an eventfd
    ];

    public override IEnumerable<byte[]> Seeds() =>
    [
        [],
        Script(Bytes(GrantOperation.Hello, 1, Any), Bytes(GrantOperation.AllocateUnbound, 3), Bytes(GrantOperation.BindInterdomain, 3, 1), Bytes(GrantOperation.List), Bytes(GrantOperation.Close, 1)),
        Asks((Bytes(GrantOperation.Hello, 1, 7), 0), (Bytes(GrantOperation.Grant, 7, 1), 12), (Bytes(GrantOperation.Map, 7, 8, 1, 1), 0), (Bytes(GrantOperation.End, 8), 0), (Bytes(GrantOperation.Unmap, 1), 0), (Bytes(GrantOperation.End, 8), 0)),
        Asks((Bytes(GrantOperation.Hello, 1, 7), 0), (Bytes(GrantOperation.Grant, 7, 1, 1), 13), (Bytes(GrantOperation.Map, 7, 8, 1), 0), (Bytes(GrantOperation.End, 8, 1), 0)),
        Asks((Bytes(GrantOperation.Hello, 1, 7), 0), (Bytes(GrantOperation.DeclareGrant, 7, 1, 0, 9), 12), (Bytes(GrantOperation.DeclareMapping, 7, 9, 1, 1, 1), 0), (Bytes(GrantOperation.Declared), 0), (Bytes(GrantOperation.List), 0)),
        Asks((Bytes(GrantOperation.Hello, 1, 7), 0), (Bytes(GrantOperation.Grant, 7, 1), 1), (Bytes(GrantOperation.Grant, 1, 1), 12)),
        Script(Bytes(GrantOperation.List)),
        Script(Bytes(GrantOperation.Hello, 1, 2)),
    ];

    protected override void ServePolite()
    {
        _isPoliteTurn = true;
        try
        {
            using IDomain one = Join(_one), two = Join(_two);
            GrantSnapshot before = _server.SnapshotAsync().GetAwaiter().GetResult();
            FuzzFinding.Require(before.Domains.SequenceEqual([_one, _two]) && before.Grants.Count == 0 && before.Ports.Count == 0,
                $"{before.Domains.Count} domains, {before.Grants.Count} grants and {before.Ports.Count} ports stand, after everybody else hung up.");
            using GrantedPages pages = one.Grants.Grant(_two);
            pages.Window.View(0, 4).WriteRelease32(0, 42);
            using (MappedPages mapped = two.Grants.Map(_one, pages.References)) FuzzFinding.Require(mapped.Window.View(0, 4).ReadAcquire32(0) == 42, "The polite page holds something else.");
            FuzzFinding.Require(pages.TryEnd() == EndOfAccess.Ended, "The polite page does not end.");
            using EventChannel port = one.Events.AllocateUnbound(_two), bound = two.Events.BindInterdomain(_one, port.Port);
            bound.Notify();
            FuzzFinding.Require(port.Wait(TimeSpan.FromSeconds(20)), "The polite event does not come.");
        }
        finally { _isPoliteTurn = false; }
        FuzzFinding.Require(!_server.Completion.IsCompleted, "The server has ended.");
    }

    protected override void Stop() => _server.DisposeAsync().AsTask().GetAwaiter().GetResult();

    protected override TimeSpan AnswerTime(int reads) => TimeSpan.FromMilliseconds(reads % 4);

    protected override string Describe(ReadOnlySpan<byte> bytes, int descriptors) => GrantMessage.TryRead(bytes, out GrantMessage answer) ? $"answer {answer.Code}, {descriptors}" : "nonsense";

    private IDomain Join(DomainId domain) => GrantClient.Connect(new() { SocketPath = Socket, Domain = domain, Patience = TimeSpan.FromSeconds(20) });

    private static byte[] Bytes(GrantOperation operation, uint a = 0, uint b = 0, uint c = 0, uint d = 0, uint e = 0)
    {
        byte[] bytes = new byte[GrantMessage.Size];
        new GrantMessage((uint)operation, a, b, c, d, e).Write(bytes);
        return bytes;
    }

    private static byte[] Asks(params (byte[] Request, byte Gift)[] said) => [0, 0, .. said.SelectMany(one => (byte[])[1, 0, (byte)(one.Request.Length - 1), .. one.Request, one.Gift, 2, 0, 3])];
}
