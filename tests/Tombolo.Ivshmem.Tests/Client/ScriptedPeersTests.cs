// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;
using Tombolo.TestPeers;

namespace Tombolo.Ivshmem.Tests.Client;

public sealed class ScriptedPeersTests
{
    [Fact]
    public void ScriptedClient_WholeHandshakeOfScriptedServer_SeesEveryPart()
    {
        using ScriptedServer server = ScriptedServer.Listen();
        using ScriptedClient client = ScriptedClient.Connect(server.Path);
        using ScriptedConnection connection = server.Accept();
        using SafeFd memory = Memfd.Create("scripted", 4096);
        SafeFd[] other = ScriptedServer.EventFds(3), own = ScriptedServer.EventFds(2);
        ScriptedServer.SendStart(connection, 7, memory);
        ScriptedServer.SendBatch(connection, 3, other);
        ScriptedServer.SendBatch(connection, 7, own);

        using ScriptedHandshake handshake = client.ReadHandshake(2);

        handshake.Id.ShouldBe(7);
        SharedFile.SizeOf(handshake.Memory).ShouldBe(4096);
        handshake.Peers.Keys.ShouldBe([3]);
        handshake.Peers[3].Count.ShouldBe(3);
        EventFd.Signal(own[1]).ShouldBeTrue();
        Watchdog.TakeRing(handshake.Own[1]).ShouldBe(1ul);
        connection.Dispose();
        client.ReadEnd();
        foreach (SafeFd fd in other.Concat(own)) fd.Dispose();
    }
}
