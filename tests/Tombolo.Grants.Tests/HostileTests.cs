// SPDX-License-Identifier: MIT
using Microsoft.Win32.SafeHandles;
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants.Tests;

/// <summary>Processes that do not keep to the dialogue, and servers that do not.</summary>
public sealed class HostileTests : IDisposable
{
    private readonly TestGround _ground = new();

    public void Dispose() => _ground.Dispose();

    [Theory]
    [InlineData(0)]     // something before hello
    [InlineData(13)]    // no such operation
    [InlineData(23)]    // short
    [InlineData(25)]    // long
    [InlineData(101)]   // hello with a descriptor
    [InlineData(102)]   // a grant without one
    [InlineData(103)]   // reserved bits
    [InlineData(104)]   // hello twice
    public void Process_BreaksTheProtocol_LosesItsSession_AndNobodyElse(int how)
    {
        using IDomain good = _ground.Join(new(1));
        using SafeFd socket = UnixSocket.Connect(_ground.Socket, UnixSocketKind.SequencedPacket);
        using SafeFd extra = EventFd.Create();
        if (how is not (0 or 101)) Say(socket, new((uint)GrantOperation.Hello, 1, 2)).ShouldBeGreaterThan(0);
        int answered = how switch
        {
            0 => Say(socket, new((uint)GrantOperation.List)),
            13 => Say(socket, new(13)),
            23 or 25 => SayBytes(socket, new byte[how]),
            101 => Say(socket, new((uint)GrantOperation.Hello, 1, 2), extra),
            102 => Say(socket, new((uint)GrantOperation.Grant, 1, 1)),
            103 => Say(socket, new((uint)GrantOperation.End, 8, 2)),
            _ => Say(socket, new((uint)GrantOperation.Hello, 1, 2)),
        };
        answered.ShouldBe(0);
        using GrantedPages pages = good.Grants.Grant(new(1));   // the others go on
        good.Grants.Map(new(1), pages.References).Dispose();
    }

    [Fact]
    public void Memory_NotSealed_OrNotAMemfd_OrOfAnotherLength_IsRefused()
    {
        using SafeFd socket = UnixSocket.Connect(_ground.Socket, UnixSocketKind.SequencedPacket);
        _ = Say(socket, new((uint)GrantOperation.Hello, 1, 2));
        using SafeFd open = Memfd.Create("open", 4096), writable = Memfd.Create("w", 4096), longer = Memfd.Create("l", 8192), bell = EventFd.Create();
        Memfd.Add(writable, GrantBook.SealsOf(readOnly: false));
        Memfd.Add(longer, GrantBook.SealsOf(readOnly: false));
        foreach ((SafeFd memory, uint readOnly) in (ReadOnlySpan<(SafeFd, uint)>)[(open, 0), (writable, 1), (longer, 0), (bell, 0)])
            Answer(socket, new((uint)GrantOperation.Grant, 1, 1, readOnly), memory).Code.ShouldBe((uint)GrantFault.BadReference + 1);
        Answer(socket, new((uint)GrantOperation.Grant, 1, 1), writable).Code.ShouldBe(0u);
        Answer(socket, new((uint)GrantOperation.DeclareGrant, 1, 1, 0, 7), writable).Code.ShouldBe((uint)GrantFault.BadReference + 1);   // reserved
        Answer(socket, new((uint)GrantOperation.DeclareGrant, 1, 1, 0, uint.MaxValue), writable).Code.ShouldBe((uint)GrantFault.BadReference + 1);
        Answer(socket, new((uint)GrantOperation.DeclarePort, 5, 1, 0), open, bell).Code.ShouldBe((uint)GrantFault.BadPort + 1);
    }

    [Fact]
    public void ReadOnlyMemory_CannotBeWritten_WhateverTheProcessDoes()
    {
        using IDomain granter = _ground.Join(new(1));
        using GrantedPages pages = granter.Grants.Grant(new(2), 1, readOnly: true);
        using SafeFd socket = UnixSocket.Connect(_ground.Socket, UnixSocketKind.SequencedPacket);
        _ = Say(socket, new((uint)GrantOperation.Hello, 1, 2));
        using FdInbox inbox = new();
        _ = Answer(socket, new((uint)GrantOperation.Map, 1, pages.References[0].Value, 1), inbox);
        inbox.TryTake(out SafeFd? memory).ShouldBeTrue();
        using (memory)
        {
            Should.Throw<LinuxException>(() => MemoryMapping.Map(memory, 4096, writable: true)).Errno.ShouldBe(Errno.NotPermitted);
            Should.Throw<LinuxException>(() => SharedFile.Resize(memory, 0, "grant")).Errno.ShouldBe(Errno.NotPermitted);
            Should.Throw<LinuxException>(() => Memfd.Add(memory, Seals.Write)).Errno.ShouldBe(Errno.NotPermitted);
            using SafeFileHandle again = File.OpenHandle($"/proc/self/fd/{memory.Number}", FileMode.Open, FileAccess.ReadWrite);   // opening it anew helps nobody: a write is refused
            Should.Throw<UnauthorizedAccessException>(() => RandomAccess.Write(again, [1], 0));
        }
    }

    [Fact]
    public void Process_ThatNeverSaysHello_GivesItsPlaceBack_AMemberKeepsIts()
    {
        using var ground = new TestGround(options => options with { MaxProcesses = 2, HelloTimeout = TimeSpan.FromMilliseconds(300) });
        using SafeFd silent = UnixSocket.Connect(ground.Socket, UnixSocketKind.SequencedPacket);
        using IDomain member = ground.Join(new(1));
        using IDomain late = GrantClient.Connect(new() { SocketPath = ground.Socket, Domain = new(2), Patience = Watchdog.Limit });   // waits until there is a place
        UnixSocket.Wait(silent, forReading: true, Watchdog.Limit).ShouldBeTrue();
        UnixSocket.Receive(silent, new byte[8], new()).IsMoved.ShouldBeFalse();   // it is the end
        using GrantedPages pages = member.Grants.Grant(new(2));
        late.Grants.Map(new(1), pages.References).Dispose();
    }

    [Fact]
    public void Identify_DecidesWhoIsWhom()
    {
        using var ground = new TestGround(options => options with { Identify = static (_, wish) => wish is null || wish == new DomainId(7) ? new DomainId(7) : null });
        Should.Throw<GrantException>(() => ground.Join(new(1))).Fault.ShouldBe(GrantFault.BadDomain);
        using IDomain given = GrantClient.Connect(new() { SocketPath = ground.Socket });
        given.Id.ShouldBe(new DomainId(7));
    }

    [Fact]
    public void List_ShowsADomainWhatConcernsIt_AndDomainZeroAll()
    {
        using IDomain one = _ground.Join(new(1)), two = _ground.Join(new(2));
        GrantedPages[] many = [.. Enumerable.Range(0, 500).Select(_ => one.Grants.Grant(new(1)))];   // more than one answer holds
        using GrantedPages shown = one.Grants.Grant(new(2), 3, readOnly: true);
        using MappedPages mapped = two.Grants.Map(new(1), shown.References, writable: false);
        using EventChannel port = one.Events.AllocateUnbound(new(2)), bound = two.Events.BindInterdomain(new(1), port.Port);
        (IReadOnlyList<GrantInfo> grants, IReadOnlyList<PortInfo> ports) = GrantClient.List(new() { SocketPath = _ground.Socket, Domain = new(2) });
        GrantInfo grant = grants.ShouldHaveSingleItem();
        (grant.From, grant.First, grant.Pages, grant.To, grant.IsReadOnly, grant.Mappings).ShouldBe((new(1), shown.References[0], 3, new(2), true, 1));
        ports.Select(line => (line.Domain, line.Port, line.Remote, line.RemotePort)).ShouldBe([(new DomainId(1), port.Port, new DomainId(2), bound.Port), (new DomainId(2), bound.Port, new DomainId(1), port.Port)]);
        GrantClient.List(new() { SocketPath = _ground.Socket, Domain = default(DomainId) }).Grants.Count.ShouldBe(501);
        GrantClient.List(new() { SocketPath = _ground.Socket, Domain = new DomainId(3) }).Grants.ShouldBeEmpty();
        foreach (GrantedPages pages in many) pages.Dispose();
    }

    [Theory]
    [InlineData(0)]   // hangs up
    [InlineData(1)]   // short answer
    [InlineData(2)]   // a descriptor too many
    [InlineData(3)]   // reserved reference
    [InlineData(4)]   // memory that is not sealed
    [InlineData(5)]   // memory that is too short
    public void Server_AnswersNonsense_IsOneSentence(int how)
    {
        using var folder = new TemporaryFolder();
        using SafeFd listener = UnixSocket.Listen(folder["s"], UnixSocketKind.SequencedPacket), extra = EventFd.Create(), memory = Memfd.Create("m", 4096);
        if (how == 5) Memfd.Add(memory, Seals.Shrink);
        var server = new Thread(() =>
        {
            _ = UnixSocket.Wait(listener, forReading: true, Watchdog.Limit);
            using SafeFd session = UnixSocket.TryAccept(listener, out _)!;
            using FdInbox inbox = new();
            Span<byte> bytes = stackalloc byte[24];
            Hear(session, bytes, inbox);
            bytes.Clear();
            _ = UnixSocket.Send(session, bytes);   // welcome
            Hear(session, bytes, inbox);
            bytes.Clear();
            _ = UnixSocket.Send(session, bytes);   // everything was declared
            Hear(session, bytes, inbox);
            bytes.Clear();
            if (how == 1) _ = UnixSocket.Send(session, bytes[..23]);
            else if (how == 2) _ = UnixSocket.Send(session, bytes, extra);
            else if (how == 3) _ = UnixSocket.Send(session, bytes);
            else if (how > 3)
            {
                bytes[8] = 9;   // the ninth page of one
                _ = UnixSocket.Send(session, bytes, memory);
            }
            if (how > 0) Hear(session, bytes, inbox);
        })
        { IsBackground = true };
        server.Start();
        using IDomain domain = GrantClient.Connect(new() { SocketPath = folder["s"], Domain = default(DomainId), Patience = TimeSpan.FromMilliseconds(300) });
        Should.Throw<GrantException>(() => how < 4 ? (IDisposable)domain.Grants.Grant(new(1)) : domain.Grants.Map(new(1), [new(8)])).Fault.ShouldBe(GrantFault.Lost);
    }

    private static void Hear(SafeFd socket, Span<byte> bytes, FdInbox inbox)
    {
        _ = UnixSocket.Wait(socket, forReading: true, Watchdog.Limit);
        _ = UnixSocket.Receive(socket, bytes, inbox);
        inbox.Clear();
    }

    private static GrantMessage Answer(SafeFd socket, in GrantMessage message, params ReadOnlySpan<SafeFd> fds)
    {
        using FdInbox inbox = new();
        return Ask(socket, message, fds, inbox);
    }

    private static GrantMessage Answer(SafeFd socket, in GrantMessage message, FdInbox inbox) => Ask(socket, message, [], inbox);

    private static GrantMessage Ask(SafeFd socket, in GrantMessage message, ReadOnlySpan<SafeFd> fds, FdInbox inbox)
    {
        byte[] buffer = new byte[GrantMessage.MaxBytes];
        message.Write(buffer);
        UnixSocket.Send(socket, buffer.AsSpan(0, GrantMessage.Size), fds).IsMoved.ShouldBeTrue();
        UnixSocket.Wait(socket, forReading: true, Watchdog.Limit).ShouldBeTrue();
        UnixSocket.Receive(socket, buffer, inbox).Bytes.ShouldBeGreaterThanOrEqualTo(GrantMessage.Size);
        GrantMessage.TryRead(buffer, out GrantMessage answer).ShouldBeTrue();
        return answer;
    }

    private static int Say(SafeFd socket, in GrantMessage message, params ReadOnlySpan<SafeFd> fds)
    {
        Span<byte> bytes = stackalloc byte[GrantMessage.Size];
        message.Write(bytes);
        return SayBytes(socket, bytes, fds);
    }

    // How long the answer is; 0: the server hung up.
    private static int SayBytes(SafeFd socket, ReadOnlySpan<byte> bytes, params ReadOnlySpan<SafeFd> fds)
    {
        using FdInbox inbox = new();
        UnixSocket.Send(socket, bytes, fds).IsMoved.ShouldBeTrue();
        UnixSocket.Wait(socket, forReading: true, Watchdog.Limit).ShouldBeTrue();
        return UnixSocket.Receive(socket, new byte[GrantMessage.MaxBytes], inbox).Bytes;
    }
}

/// <summary>The message's layout.</summary>
public sealed class GrantMessageTests : WireContract<GrantMessage>
{
    protected override GrantMessage Sample => new((uint)GrantOperation.Map, 1, 8, 2, 1, 5);

    [Fact]
    public void Golden_Bytes()
    {
        byte[] bytes = new byte[24];
        Sample.Write(bytes);
        Convert.ToHexStringLower(bytes).ShouldBe("030000000100000008000000020000000100000005000000");
    }
}
