// SPDX-License-Identifier: MIT
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Tombolo.Testing;

namespace Tombolo.Mailbox.Tests;

/// <summary>The mailbox server is killed and started again under its clients.</summary>
public sealed class MailboxRestartTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Killed_ThreeTimes_NumberedMessagesGoOnAndTheNewServerKnowsEverybody()
    {
        Child server = StartServer("ready");
        var heard = new ConcurrentQueue<int>();
        var questions = new ConcurrentQueue<string>();
        await using MailboxEndpoint one = Connect("one");
        await using (MailboxEndpoint two = Connect("two", options => options with
        {
            Handler = (_, bytes) => heard.Enqueue(int.Parse(Encoding.ASCII.GetString(bytes), CultureInfo.InvariantCulture)),
            Trace = (isSent, peer, bytes) => { if (!isSent && peer.Value == 15) questions.Enqueue(Encoding.ASCII.GetString(bytes)); },
        }))
        {
            using var stop = new CancellationTokenSource();
            Task<int> talking = Task.Run(async () =>
            {
                int n = 0;
                for (; !stop.IsCancellationRequested; n++)
                    (await one.SendAsync(two.Id, Encoding.ASCII.GetBytes(n.ToString(CultureInfo.InvariantCulture)))).ShouldBe(SendResult.Delivered);
                return n;
            });
            for (int round = 0; round < 3; round++)
            {
                int before = heard.Count;
                Watchdog.Until(() => heard.Count > before + 100, "messages before the kill");
                server.Dispose();   // SIGKILL
                before = heard.Count;
                Watchdog.Until(() => heard.Count > before + 100, "messages without a server");
                questions.Clear();
                server = StartServer("ready again");
                Watchdog.Until(() => questions.Contains("Link CTL Peer-Attribute"), "the new server asks who is there");
                await using MailboxEndpoint newcomer = Connect("newcomer", static options => options with { Answers = false, AsksServer = false });
                newcomer.Id.Value.ShouldBe((ushort)3);
                newcomer.Who().Select(static peer => peer.Name).ShouldBe(["one", "two", "newcomer", "Z-switch"]);
                (await newcomer.SendAsync(one.Id, "ping"u8).AsTask().Watched()).ShouldBe(SendResult.Delivered);
                string answer;
                do answer = (await newcomer.ReceiveAsync().AsTask().Watched())!.Text;
                while (answer != "pong");
            }
            await stop.CancelAsync();
            int sent = await talking.Watched();
            heard.ShouldBe(Enumerable.Range(0, sent));   // none lost, none doubled, in order
        }
        server.CloseInput().ShouldBe(0);   // in order, so that the keeper ends too
        File.Exists(_folder["m.keeper"]).ShouldBeFalse();
        server.Dispose();
    }

    private Child StartServer(string word)
    {
        var server = new Child(Path.Combine(AppContext.BaseDirectory, "tombolo-test-server"), "mailbox", _folder["m"]);
        server.ReadLine().ShouldBe(word);
        return server;
    }

    private MailboxEndpoint Connect(string name, Func<MailboxEndpointOptions, MailboxEndpointOptions>? change = null)
    {
        var options = new MailboxEndpointOptions { Name = name, SendTimeout = Watchdog.Limit };
        return MailboxEndpoint.Connect(new() { SocketPath = _folder["m"], Timeout = Watchdog.Limit }, change is null ? options : change(options));
    }
}
