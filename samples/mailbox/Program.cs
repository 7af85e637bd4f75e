// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Text;
using Tombolo.Mailbox;

// Three terminals, one line in each: serve /tmp/mail; hear /tmp/mail; say /tmp/mail 1 "good morning". Guests join at the same socket.
switch (args)
{
    case ["serve", var socket]:
    {
        await using MailboxFabric fabric = await MailboxFabric.StartAsync(new() { Doorbell = new() { SocketPath = socket } });
        Console.WriteLine($"Serving at {socket}.");
        _ = Console.ReadLine();
        return 0;
    }
    case ["hear", var socket]:
    {
        await using MailboxEndpoint self = Join(socket, "hearer");
        Console.WriteLine($"I am {self.Id}.");
        MailboxMessage? mail = await self.ReceiveAsync();
        Console.WriteLine(mail is null ? "The server ended." : $"{mail.From}: {mail.Text}");
        return 0;
    }
    case ["say", var socket, var to, var text]:
    {
        await using MailboxEndpoint self = Join(socket, "sayer");
        SendResult result = await self.SendAsync(new(ushort.Parse(to, CultureInfo.InvariantCulture)), Encoding.UTF8.GetBytes(text));
        Console.WriteLine(result);
        return 0;
    }
    default:
        Console.Error.WriteLine("Usage: tombolo-mailbox-sample serve SOCKET, hear SOCKET, say SOCKET PEER TEXT");
        return 2;
}

static MailboxEndpoint Join(string socket, string name) => MailboxEndpoint.Connect(new() { SocketPath = socket }, new() { Name = name });
